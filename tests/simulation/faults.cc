#include "simulation/faults.h"

#include <fmt/format.h>

namespace dsfailover {

std::string to_string(Fault fault) {
    constexpr const char* kNames[] = {"none",      "slow",         "killed",  "cut before",
                                      "cut after", "session lost", "refused", "conflict"};
    return kNames[static_cast<int>(fault)];
}

std::string to_string(Call call) {
    constexpr const char* kNames[kCalls] = {
        "children", "get",     "read_children", "living", "put",   "remove",    "lock",     "wait",
        "held",     "release", "claim",         "claims", "locks", "announce",  "withdraw", "begin",
        "query",    "stream",  "execute",       "commit", "clock", "reconnect", "ask"};
    return kNames[static_cast<int>(call)];
}

const std::set<Fault>& possible(Call call) {
    static const std::set<Fault> kRegistry = {Fault::slow, Fault::killed, Fault::cut_before,
                                              Fault::session_lost};
    static const std::set<Fault> kPut = {Fault::slow, Fault::killed, Fault::cut_before,
                                         Fault::cut_after, Fault::session_lost};
    static const std::set<Fault> kReading = {Fault::slow, Fault::killed, Fault::cut_before};
    static const std::set<Fault> kBegin = {Fault::slow, Fault::killed, Fault::cut_before,
                                           Fault::conflict};
    static const std::set<Fault> kExecute = {Fault::slow, Fault::killed, Fault::cut_before,
                                             Fault::refused, Fault::conflict};
    static const std::set<Fault> kCommit = {Fault::slow, Fault::killed, Fault::cut_before,
                                            Fault::cut_after, Fault::conflict};
    switch (call) {
        case Call::put:
        case Call::remove:
            return kPut;
        case Call::begin:
            return kBegin;
        case Call::execute:
            return kExecute;
        case Call::commit:
            return kCommit;
        case Call::query:
        case Call::stream:
        case Call::clock:
        case Call::reconnect:
        case Call::ask:
            return kReading;
        default:
            return kRegistry;
    }
}

// Most calls are queries; what happens around a write is of more interest. The rarer a call, the
// more often it is drawn: few runs announce or remove anything.
void Faults::plan(Fate& fate) {
    static constexpr Call kNearWrites[] = {
        Call::put,      Call::remove,     Call::lock,     Call::claim,         Call::release,
        Call::begin,    Call::execute,    Call::commit,   Call::commit,        Call::announce,
        Call::announce, Call::withdraw,   Call::claims,   Call::wait_for_lock, Call::locks,
        Call::withdraw, Call::still_held, Call::announce, Call::withdraw,      Call::withdraw,
        Call::announce, Call::remove,     Call::withdraw};
    Random& random = scheduler_.random();
    const auto some_call = [&] {
        const Call call = random.chance(2, 3) ? random.one_of(kNearWrites)
                                              : static_cast<Call>(random.between(0, kCalls - 1));
        return std::pair(call, static_cast<int>(random.between(1, random.chance(1, 2) ? 2 : 8)));
    };
    if (random.chance(1, 4))
        for (auto left = random.between(1, 3); left > 0; --left) fate.deadly.insert(some_call());
    if (random.chance(1, 2))
        for (auto left = random.between(1, 5); left > 0; --left) fate.faulty.insert(some_call());
    if (random.chance(1, 3)) {
        static constexpr Call kThen[] = {Call::begin, Call::execute, Call::query, Call::put,
                                         Call::ask};
        fate.meddled.insert({random.one_of(kThen), static_cast<int>(random.between(1, 6))});
    }
    // It is needed after another fault alone.
    if (random.chance(1, 3)) fate.faulty.insert({Call::reconnect, 1});
    if (random.chance(1, 12)) fate.deadly.insert({Call::reconnect, 1});
}

Fault Faults::meet(Call call) {
    Actor* const actor = scheduler_.current();
    if (actor == nullptr) return Fault::none;
    Fate& its = fates_[actor->name];
    const std::pair which(call, ++its.calls[call]);
    if (!actor->killed && its.deadly.contains(which)) {
        its.any = true;
        ++reached_[{call, Fault::killed}];
        scheduler_.tell(fmt::format("is killed before {}", to_string(call)));
        scheduler_.kill(*actor);
    }
    scheduler_.point();
    if (meddle_ && its.meddled.contains(which)) meddle_();
    Fault fault = Fault::none;
    if (its.faulty.contains(which)) {
        const std::set<Fault>& all = possible(call);
        do {
            auto chosen = all.begin();
            std::advance(chosen, scheduler_.random().between(0, std::ssize(all) - 1));
            fault = *chosen;
        } while (fault == Fault::killed);
        its.any = true;
        scheduler_.tell(fmt::format("{}: {}", to_string(call), to_string(fault)));
    }
    ++reached_[{call, fault}];
    if (fault == Fault::slow) scheduler_.wait(Millis(scheduler_.random().between(1000, 6000)));
    return fault;
}

}  // namespace dsfailover
