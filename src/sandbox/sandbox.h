#pragma once

#include <functional>
#include <string>

#include "report/sandbox_section.h"

namespace dsfailover {

/// Makes `file`: one SQLite database in WAL mode with the tables of DolphinScheduler 3.3.0 and, in
/// the JDBC registry's tables of the same file, a small cluster to rehearse on:
///
/// - master 127.0.1.1:5678 died 12 minutes ago. It leaves workflows in states 1, 2 and 4 (8 to 12,
///   10 being a sub-workflow of 9), one in doubt (7, resumed by hand), one that another master is
///   running since an earlier failover (1), some stuck in FAILOVER (15 with a command nobody takes,
///   16 whose command failed, 17 that would fail again), and finished ones.
/// - master 127.0.1.2:5678 lives and runs workflows 13 and 14 (and 1). It has not taken the
/// commands
///   that started 21 and 22 yet. It still counts the other, whose commands, those with odd ids, it
///   leaves alone.
/// - worker 127.0.1.11:1234 died with the master, with tasks of both masters' workflows; worker
///   127.0.1.12:1234 lives.
/// - marks: expired ones, fresh ones, and two whose value is not a number; a lock that the living
///   master leaked, on the address of a master taken out of service (127.0.1.3:5678).
///
/// The living servers stay alive, by a session timeout of ten years. All times are relative to now.
///
/// The file appears complete or not at all. Throws UsageError if it exists already (or a -wal or
/// -journal file beside it, which SQLite would replay into the new one) or its folder cannot be
/// written, and Error(failed) if the disk refuses it; nothing is left behind then.
void create_sandbox(const std::string& file);

/// Reads what a failover touches, for comparing before and after. Writes nothing. Any SQLite file
/// with DolphinScheduler's tables and those of the JDBC registry will do.
/// Throws DatabaseError (unreachable) if `file` is none or cannot be read, EnvironmentError if it
/// has other tables or a workflow instance that no failover could read, and RegistryError for such
/// a row of the registry.
SandboxSection read_sandbox(const std::string& file);

/// Stands in for the living servers of the sandbox, on their addresses, until an interruption;
/// `say` is told in one line each thing that happens. `hear_departures`: the masters notice that a
/// server goes, as on ZooKeeper, and fail it over themselves 30 s later. Throws, before anything is
/// written, as read_sandbox(); RefusedError if a living server has no loopback address;
/// Error(failed) if an address is in use, or no server lives.
void serve_sandbox(const std::string& file, bool hear_departures,
                   const std::function<void(const std::string&)>& say);

}  // namespace dsfailover
