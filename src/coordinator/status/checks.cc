#include "coordinator/status/checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "base/plural.h"
#include "base/time.h"

namespace dsfailover {

namespace {

constexpr std::size_t kNamed = 10;  // ids and addresses in a hint

template <typename List>
std::string some(const List& list) {
    const auto count = std::min<std::size_t>(list.size(), kNamed);
    auto end = list.begin();
    std::advance(end, count);
    return fmt::format("{}{}", fmt::join(list.begin(), end, " "),
                       list.size() > kNamed ? " ..." : "");
}

/// "ID..." where --items kept none.
template <typename Item>
std::string ids_of(const Items<Item>& items) {
    if (items.kept().empty()) return "ID...";
    std::vector<std::int64_t> ids;
    for (const Item& item : items.kept()) ids.push_back(item.id);
    const bool says_so = ids.size() > kNamed;
    return some(ids) + (items.omitted() > 0 && !says_so ? " ..." : "");
}

/// The checks of one status.
class Checks {
  public:
    Checks(const StatusSection& status, const StatusFindings& found, const StatusOptions& options)
        : status_(status), found_(found), options_(options) {}

    std::vector<CheckItem> run() {
        servers();
        workflows();
        commands();
        rows();
        waiting();
        leaders();
        checks_.push_back(found_.clocks);
        marks_and_locks();
        if (status_.asked) asked(*status_.asked);
        return std::move(checks_);
    }

  private:
    void add(CheckName name, bool ok, std::string detail, const std::string& hint) {
        checks_.push_back(
            {name, ok, std::move(detail), ok ? std::nullopt : std::optional<std::string>(hint)});
    }

    // A master that starts fails over again what is in doubt.
    std::string once_settled(const std::string& advice) const {
        if (found_.in_doubt.empty()) return advice;
        return fmt::format("dsfailover explain {}: settle first what is in doubt",
                           some(found_.in_doubt));
    }

    void servers() {
        add(CheckName::no_master, found_.masters > 0,
            counted(found_.masters, "master lives", "masters live"),
            once_settled("start a master"));
        add(CheckName::no_normal_master, found_.normal_masters > 0,
            fmt::format("{} of {} {} NORMAL; others take no commands", found_.normal_masters,
                        counted(found_.masters, "living master"),
                        found_.normal_masters == 1 || found_.masters == 1 ? "is" : "are"),
            "find out what keeps the masters BUSY: processor, memory or disk");
        add(CheckName::no_worker, found_.workers > 0,
            counted(found_.workers, "worker lives", "workers live"), "start a worker");
    }

    void workflows() {
        const auto& hosts = found_.to_fail_over;
        add(CheckName::needs_failover, hosts.empty(),
            counted(std::ssize(hosts), "host needs failover", "hosts need failover"),
            "dsfailover global");
        add(CheckName::in_doubt, found_.in_doubt.empty(),
            counted(std::ssize(found_.in_doubt), "workflow is", "workflows are") +
                " in doubt, settling, or with a command that waits",
            fmt::format("dsfailover explain {}", some(found_.in_doubt)));
        const auto& gone = status_.workers_gone;
        add(CheckName::dead_workers, gone.total() == 0,
            counted(gone.total(), "worker is", "workers are") + " gone with unfinished tasks",
            fmt::format("dsfailover failover-worker {}",
                        gone.kept().empty() ? "ADDRESS" : gone.kept().front().address));
        add(CheckName::stuck, status_.stuck.total() == 0,
            counted(status_.stuck.total(), "workflow is", "workflows are") +
                " stuck in FAILOVER without a command",
            fmt::format("dsfailover requeue {}", ids_of(status_.stuck)));
    }

    void commands() {
        const std::int64_t unclaimed = status_.commands.unclaimed();
        const bool failovers_alone = unclaimed == status_.commands.failovers().unclaimed;
        add(CheckName::unclaimed_commands, unclaimed == 0,
            fmt::format("{} for more than {} although a master lives",
                        counted(unclaimed, "command waits", "commands wait"),
                        format_duration(options_.unclaimed_after)),
            failovers_alone ? "dsfailover requeue" : "dsfailover requeue --commands");
        const std::int64_t old = status_.commands.old;
        add(CheckName::old_commands, old == 0,
            fmt::format("{} for more than {}", counted(old, "command waits", "commands wait"),
                        format_duration(options_.backlog_after)),
            found_.normal_masters > 0 ? "dsfailover requeue --commands"
                                      : once_settled("no master takes them: see the checks above"));
    }

    void rows() {
        const auto& ownerless = status_.ownerless_items;
        add(CheckName::ownerless, ownerless.total() == 0,
            counted(ownerless.total(), "unfinished workflow has", "unfinished workflows have") +
                " no host",
            fmt::format("dsfailover failover-workflow {}", ids_of(ownerless)));
        add(CheckName::odd_hosts, found_.odd_hosts.empty(),
            counted(std::ssize(found_.odd_hosts), "host", "hosts") +
                " of unfinished workflows cannot be read as HOST:PORT",
            fmt::format("dsfailover explain {}", some(found_.with_odd_host)));
        const auto& unkilled = status_.waiting_for_kill;
        add(CheckName::lost_kills, unkilled.total() == 0,
            counted(unkilled.total(), "workflow waits", "workflows wait") +
                " for a kill that was lost",
            fmt::format("stop {} again in the user interface: {}",
                        unkilled.total() == 1 ? "it" : "them", ids_of(unkilled)));
    }

    void waiting() {
        std::vector<std::int64_t> wrong;
        for (const IdleWorkflow& each : status_.idle.kept())
            if (each.overtaken || each.blocked) wrong.push_back(each.id);
        add(CheckName::idle, found_.idle_for_good == 0,
            fmt::format(
                "{} of living masters did nothing for {}; {}",
                counted(status_.idle.total(), "workflow"), format_duration(options_.idle),
                counted(found_.idle_for_good,
                        "of them was overtaken by a run of its definition, or has a task that "
                        "cannot start",
                        "of them were overtaken by a run of their definition, or have a task "
                        "that cannot start")),
            fmt::format("dsfailover explain {}", wrong.empty() ? "ID..." : some(wrong)));
        const SerialWait& serial = status_.serial_wait;
        add(CheckName::serial_wait, serial.never.empty(),
            fmt::format("{} in SERIAL_WAIT, {} of them for no run of their definition",
                        counted(serial.count, "workflow waits", "workflows wait"),
                        serial.never.size()),
            fmt::format("dsfailover explain {}", some(serial.never)));
    }

    void leaders() {
        const std::string restart = found_.masters_elect
                                        ? "look again in a minute: the masters elect another"
                                        : once_settled("restart a master: no other one is elected");
        const bool coordinated = status_.coordinator_alive.value_or(found_.masters == 0);
        add(CheckName::coordinator, coordinated,
            leader(status_.coordinator, status_.coordinator_alive), restart);
        const bool alerted = status_.alert_leader_alive.value_or(found_.alert_servers == 0);
        add(CheckName::alert_leader, alerted,
            leader(status_.alert_leader, status_.alert_leader_alive),
            found_.masters_elect ? "look again in a minute: the alert servers elect another"
                                 : "restart an alert server: no other one is elected");
    }

    static std::string leader(const std::optional<std::string>& address,
                              const std::optional<bool>& alive) {
        if (!address) return "none is registered";
        return fmt::format("{} {}", *address, alive.value_or(false) ? "lives" : "is gone");
    }

    void marks_and_locks() {
        add(CheckName::marks, found_.cleanable_marks == 0,
            counted(found_.cleanable_marks, "mark") + " can be cleaned", "dsfailover clean-marks");
        add(CheckName::leaked_locks, found_.leaked.empty(),
            counted(std::ssize(found_.leaked), "failover lock looks", "failover locks look") +
                " leaked",
            fmt::format("a failover of {} passes it where every living master answers; else "
                        "--no-lock does",
                        some(found_.leaked)));
    }

    void asked(const AskedSection& asked) {
        std::string detail =
            counted(asked.abandoned.total(), "unfinished workflow") + " that no master holds";
        if (asked.unknown > 0) detail += fmt::format("; of {} it is not known", asked.unknown);
        add(CheckName::abandoned, asked.abandoned.total() == 0, std::move(detail),
            "where their host is gone fail it over (failover-master)");
        add(CheckName::held_idle, asked.held_idle.total() == 0,
            counted(asked.held_idle.total(), "workflow") +
                " that a master holds although nothing moves",
            "only a restart or --fence of the holder ends that, and fails over its other workflows "
            "as well");
    }

    const StatusSection& status_;
    const StatusFindings& found_;
    const StatusOptions& options_;
    std::vector<CheckItem> checks_;
};

}  // namespace

std::vector<CheckItem> status_checks(const StatusSection& status, const StatusFindings& found,
                                     const StatusOptions& options) {
    return Checks(status, found, options).run();
}

}  // namespace dsfailover
