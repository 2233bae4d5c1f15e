#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "simulation/scheduler.h"

namespace dsfailover {

/// What may happen to a call.
enum class Fault {
    none,
    slow,          ///< it is answered late
    killed,        ///< kill -9 of whoever makes it, right before it
    cut_before,    ///< the connection breaks, and it had no effect
    cut_after,     ///< the connection breaks, and it had its effect
    session_lost,  ///< registry: the session ended
    refused,       ///< database: the statement fails, and the transaction stands
    conflict,      ///< database: deadlock, lock time-out; the transaction is gone
};
std::string to_string(Fault fault);

/// The calls that a process makes: its registry's, its database's, and questions to servers.
enum class Call {
    children,
    get,
    read_children,
    living,
    put,
    remove,
    lock,
    wait_for_lock,
    still_held,
    release,
    claim,
    claims,
    locks,
    announce,
    withdraw,
    begin,
    query,
    stream,
    execute,
    commit,
    clock,
    reconnect,
    ask,
};
inline constexpr int kCalls = static_cast<int>(Call::ask) + 1;
std::string to_string(Call call);
/// What may happen to it.
const std::set<Fault>& possible(Call call);

/// How many calls of each kind met which fault.
using Reached = std::map<std::pair<Call, Fault>, std::uint64_t>;

/// What one process has to expect.
struct Fate {
    /// The how manieth call of a kind it does not survive, and which go wrong.
    std::set<std::pair<Call, int>> deadly{}, faulty{};
    /// Those right before which something happens elsewhere.
    std::set<std::pair<Call, int>> meddled{};
    std::map<Call, int> calls{};  ///< so far
    bool any = false;             ///< something went wrong
};

/// Decides about each call of a process, by the seed, and stops it there.
class Faults {
  public:
    Faults(Scheduler& scheduler, Reached& reached) : scheduler_(scheduler), reached_(reached) {}

    /// Of the process of this name; made when it is asked for first.
    Fate& fate(const std::string& process) { return fates_[process]; }
    /// Lets a process be killed, and calls of it go wrong, as the seed will have it.
    void plan(Fate& fate);

    /// What happens elsewhere, right before a call; it must not wait.
    void on_meddling(std::function<void()> meddle) { meddle_ = std::move(meddle); }

    /// Lets the current process stop before a call, and says what happens to it. `none` where
    /// nobody is at work. Throws Killed.
    Fault meet(Call call);

  private:
    Scheduler& scheduler_;
    Reached& reached_;
    std::function<void()> meddle_;
    std::map<std::string, Fate> fates_;
};

}  // namespace dsfailover
