#pragma once

#include <ucontext.h>

#include <functional>
#include <memory>

namespace dsfailover {

/// A function with a stack of its own, which gives way in the middle of its work and goes on there
/// when it is resumed. All on one thread. An exception that is being handled or thrown stays with
/// its fiber; one that leaves the function ends the program.
class Fiber {
  public:
    explicit Fiber(std::function<void()> body);
    /// It must have ended, or never begun.
    ~Fiber();
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    /// Goes on with it until it gives way or ends. Not from within a fiber.
    void resume();
    /// Back to who resumed it; only from within it.
    void give_way();
    bool has_ended() const { return ended_; }

  private:
    // What the C++ runtime keeps of each thread about exceptions: __cxa_eh_globals.
    struct Exceptions {
        void* caught = nullptr;
        unsigned int uncaught = 0;
    };
    static void enter(unsigned int high, unsigned int low);
    void run();

    std::function<void()> body_;
    std::unique_ptr<char[]> stack_;
    ucontext_t own_{}, back_{};
    Exceptions exceptions_;
    void* sanitizer_own_ = nullptr;  // fake stacks of the address sanitizer
    void* sanitizer_back_ = nullptr;
    const void* back_stack_ = nullptr;
    std::size_t back_size_ = 0;
    bool ended_ = false;
};

}  // namespace dsfailover
