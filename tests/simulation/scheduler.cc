#include "simulation/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace dsfailover {

Scheduler::Scheduler(std::uint64_t seed, EpochMs now)
    : random_(seed), now_(now), began_(now), haste_(static_cast<int>(random_.between(0, 3))) {
    use_clock(this);
}

Scheduler::~Scheduler() { use_clock(nullptr); }

Actor& Scheduler::start(std::string name, EpochMs at, std::function<void()> body) {
    Actor& actor = actors_.emplace_back();
    actor.name = std::move(name);
    actor.wakes_at = at;
    actor.turn = random_.next();
    running_.push_back(&actor);
    actor.fiber = std::make_unique<Fiber>([body = std::move(body), &actor] {
        try {
            if (!actor.killed) body();
        } catch (const Killed&) {
        }
    });
    return actor;
}

void Scheduler::kill(Actor& actor) {
    actor.killed = true;
    actor.wakes_at = now_;
}

EpochMs Scheduler::now() { return now_ + (current_ ? current_->clock_ahead.count() : 0); }

// What unwinds a stack goes on unwinding it: a destructor would let nothing out.
void Scheduler::die_if_killed() {
    if (current_->killed && std::uncaught_exceptions() == 0) throw Killed();
}

void Scheduler::give_way() {
    Actor& self = *current_;
    self.turn = random_.next();
    self.fiber->give_way();
    self.awaited = nullptr;
}

// Most calls take no time worth speaking of, some a little, a few long enough for anything.
void Scheduler::point(Millis usual) {
    if (current_ == nullptr) return;
    die_if_killed();
    Millis takes(0);
    const std::int64_t kind = random_.between(0, 999);
    if (kind < 300)
        takes = Millis(random_.between(0, usual.count()));
    else if (kind < 300 + 10 * haste_)
        takes = Millis(random_.between(10, 200));
    else if (kind < 300 + 13 * haste_)
        takes = Millis(random_.between(200, 4000));
    current_->wakes_at = now_ + takes.count();
    give_way();
    die_if_killed();
}

bool Scheduler::await(std::function<bool()> ready, Millis limit) {
    die_if_killed();
    if (ready()) return true;
    current_->wakes_at = now_ + limit.count();
    current_->awaited = ready;
    give_way();
    die_if_killed();
    return ready();
}

void Scheduler::wait(Millis duration) {
    if (current_ == nullptr) {
        now_ += duration.count();
        return;
    }
    die_if_killed();
    current_->wakes_at = now_ + std::max(duration, Millis(0)).count();
    give_way();
    die_if_killed();
}

Actor* Scheduler::next_up() {
    Actor* next = nullptr;
    const auto wakes = [&](Actor& actor) {
        return actor.awaited && actor.wakes_at > now_ && actor.awaited() ? now_ : actor.wakes_at;
    };
    EpochMs at = 0;
    for (Actor* const actor : running_) {
        const EpochMs its = std::max(now_, wakes(*actor));
        if (!next || its < at || (its == at && actor->turn < next->turn)) {
            next = actor;
            at = its;
        }
    }
    if (next) next->wakes_at = at;
    return next;
}

bool Scheduler::run(EpochMs until) {
    while (Actor* next = next_up()) {
        if (next->wakes_at > until) {
            now_ = until;
            return false;
        }
        now_ = std::max(now_, next->wakes_at);
        ++turns_;
        current_ = next;
        next->fiber->resume();
        current_ = nullptr;
        if (next->fiber->has_ended()) std::erase(running_, next);
    }
    return true;
}

void Scheduler::tell(const std::string& what) {
    history_.push_back(fmt::format("{:>9.3f} s  {:<16} {}",
                                   static_cast<double>(now_ - began_) / 1000,
                                   current_ ? current_->name : "-", what));
}

}  // namespace dsfailover
