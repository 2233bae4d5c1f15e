#include "base/interruption.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

namespace dsfailover {
namespace {

// Each in a process of its own, since a signal stays noticed.
template <typename Action>
void in_another_process(const Action& action, const ::testing::ExitedWithCode& end) {
    EXPECT_EXIT(
        {
            install_signal_handlers();
            action();
            _exit(99);
        },
        end, "");
}

void exit_with_its_code(const Interrupted& interrupted) {
    _exit(static_cast<int>(interrupted.exit_code()));
}

TEST(WaitFor, TakesItsTime) {
    const auto start = std::chrono::steady_clock::now();
    wait_for(Millis(50));
    EXPECT_GE(std::chrono::steady_clock::now() - start, Millis(50));
    wait_for(Millis(0));
    wait_for(Millis(-5));
}

TEST(Interruption, NothingHappensWithoutASignal) {
    EXPECT_FALSE(interruption_requested());
    EXPECT_NO_THROW(check_interruption());
}

TEST(InterruptionDeathTest, CtrlCIsNoticed) {
    in_another_process(
        [] {
            raise(SIGINT);
            if (!interruption_requested()) return;
            try {
                check_interruption();
            } catch (const Interrupted& interrupted) {
                exit_with_its_code(interrupted);
            }
        },
        ::testing::ExitedWithCode(130));
}

TEST(InterruptionDeathTest, TerminationIsNoticed) {
    in_another_process(
        [] {
            raise(SIGTERM);
            try {
                wait_for(Millis(0));
            } catch (const Interrupted& interrupted) {
                exit_with_its_code(interrupted);
            }
        },
        ::testing::ExitedWithCode(143));
}

TEST(InterruptionDeathTest, ASignalEndsAWaitAtOnceOnEveryThread) {
    in_another_process(
        [] {
            const auto start = std::chrono::steady_clock::now();
            // The signal arrives on this thread: the other one must wake up all the same.
            bool other_woke_up = false;
            std::thread other([&] {
                try {
                    wait_for(std::chrono::hours(1));
                } catch (const Interrupted&) {
                    other_woke_up = true;
                }
            });
            std::thread killer([] {
                std::this_thread::sleep_for(Millis(100));
                kill(getpid(), SIGTERM);
            });
            try {
                wait_for(Millis::max());
            } catch (const Interrupted& interrupted) {
                killer.join();
                other.join();
                const auto waited = std::chrono::steady_clock::now() - start;
                if (other_woke_up && waited < std::chrono::seconds(5)) {
                    exit_with_its_code(interrupted);
                }
            }
        },
        ::testing::ExitedWithCode(143));
}

TEST(InterruptionDeathTest, ASecondSignalOfEitherKindEndsTheProcess) {
    EXPECT_EXIT(
        {
            install_signal_handlers();
            raise(SIGINT);
            raise(SIGTERM);
            _exit(99);
        },
        ::testing::KilledBySignal(SIGTERM), "");
    EXPECT_EXIT(
        {
            install_signal_handlers();
            raise(SIGINT);
            raise(SIGINT);
            _exit(99);
        },
        ::testing::KilledBySignal(SIGINT), "");
}

TEST(InterruptionDeathTest, ALostSessionIsNoticedAndItsSecondSignalEndsNothing) {
    in_another_process(
        [] {
            raise(SIGHUP);
            raise(SIGHUP);
            try {
                check_interruption();
            } catch (const Interrupted& interrupted) {
                exit_with_its_code(interrupted);
            }
        },
        ::testing::ExitedWithCode(143));
}

TEST(InterruptionDeathTest, TheFirstSignalCounts) {
    in_another_process(
        [] {
            raise(SIGINT);
            raise(SIGHUP);
            try {
                check_interruption();
            } catch (const Interrupted& interrupted) {
                exit_with_its_code(interrupted);
            }
        },
        ::testing::ExitedWithCode(130));
}

TEST(InterruptionDeathTest, UnderNohupALostSessionIsNothing) {
    EXPECT_EXIT(
        {
            std::signal(SIGHUP, SIG_IGN);
            install_signal_handlers();
            raise(SIGHUP);
            _exit(interruption_requested() ? 1 : 0);
        },
        ::testing::ExitedWithCode(0), "");
}

TEST(InterruptionDeathTest, ABrokenPipeIsNoReasonToDie) {
    in_another_process(
        [] {
            raise(SIGPIPE);
            _exit(0);
        },
        ::testing::ExitedWithCode(0));
}

}  // namespace
}  // namespace dsfailover
