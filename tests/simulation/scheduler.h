#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "simulation/fiber.h"
#include "simulation/random.h"

namespace dsfailover {

/// What a process that was killed leaves its stack by; nothing but its top catches it.
struct Killed {};

/// One process of a simulation.
struct Actor {
    std::string name;
    Millis clock_ahead{0};  ///< of its own clock
    std::unique_ptr<Fiber> fiber;
    EpochMs wakes_at = 0;             ///< by the true clock
    std::uint64_t turn = 0;           ///< among those that wake at the same time
    std::function<bool()> awaited{};  ///< it wakes earlier when this is true
    bool killed = false;              ///< its calls have no effect any more
};

/// Lets processes take turns on one thread, one at a time, and time pass where all of them wait.
/// Each stops at every call to the world: point(). How long that took, and so who goes on, follows
/// from the seed.
class Scheduler : public Clock {
  public:
    Scheduler(std::uint64_t seed, EpochMs now);
    ~Scheduler() override;

    Random& random() { return random_; }
    /// The true time, whoever asks.
    EpochMs time() const { return now_; }
    /// The process whose turn it is; nullptr: none.
    Actor* current() const { return current_; }

    /// A process that begins at `at`; `body` may leave by Killed.
    Actor& start(std::string name, EpochMs at, std::function<void()> body);
    /// From now on it makes no call: its next one throws Killed. One that waits does so at once.
    void kill(Actor& actor);

    /// A call to the world, whose sender stops here for a while. `usual`: how long it takes at most
    /// in the ordinary way. Throws Killed.
    void point(Millis usual = Millis(3));
    /// Lets the current process wait until `ready` is true, or for `limit`. Returns whether it was.
    bool await(std::function<bool()> ready, Millis limit);

    // As the current process sees it. now() of none is the true time; wait() throws Killed.
    EpochMs now() override;
    void wait(Millis duration) override;

    /// Goes on until no process is left, or until `until`. Returns whether none was left.
    bool run(EpochMs until);

    /// One line of what happened, with the time and who is at work.
    void tell(const std::string& what);
    std::vector<std::string> history() const { return history_; }
    std::uint64_t turns() const { return turns_; }

  private:
    Actor* next_up();
    void give_way();
    void die_if_killed();

    Random random_;
    EpochMs now_;
    const EpochMs began_;
    int haste_;
    std::list<Actor> actors_;
    std::vector<Actor*> running_;  // those that have not ended
    Actor* current_ = nullptr;
    std::vector<std::string> history_;
    std::uint64_t turns_ = 0;
};

}  // namespace dsfailover
