#include "simulation/fiber.h"

#include <cxxabi.h>

#include <cstdint>
#include <utility>
#include <vector>

// GCC has the one, clang the other.
#if defined(__SANITIZE_ADDRESS__)
#define FIBERS_ARE_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBERS_ARE_WATCHED 1
#endif
#endif

#if FIBERS_ARE_WATCHED
#include <sanitizer/common_interface_defs.h>
#endif

namespace dsfailover {

namespace {

constexpr std::size_t kStack = 512 * 1024;

// Stacks are used again: making one costs more than most of what runs on it.
std::vector<std::unique_ptr<char[]>> free_stacks;

std::unique_ptr<char[]> take_stack() {
    if (free_stacks.empty()) return std::unique_ptr<char[]>(new char[kStack]);
    auto stack = std::move(free_stacks.back());
    free_stacks.pop_back();
    return stack;
}

void before_switch([[maybe_unused]] void** keep, [[maybe_unused]] const void* stack,
                   [[maybe_unused]] std::size_t size) {
#if FIBERS_ARE_WATCHED
    __sanitizer_start_switch_fiber(keep, stack, size);
#endif
}

void after_switch([[maybe_unused]] void* kept, [[maybe_unused]] const void** stack,
                  [[maybe_unused]] std::size_t* size) {
#if FIBERS_ARE_WATCHED
    __sanitizer_finish_switch_fiber(kept, stack, size);
#endif
}

}  // namespace

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)), stack_(take_stack()) {
    getcontext(&own_);
    own_.uc_stack.ss_sp = stack_.get();
    own_.uc_stack.ss_size = kStack;
    own_.uc_link = nullptr;
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    makecontext(&own_, reinterpret_cast<void (*)()>(enter), 2, static_cast<unsigned>(self >> 32),
                static_cast<unsigned>(self));
}

Fiber::~Fiber() { free_stacks.push_back(std::move(stack_)); }

void Fiber::enter(unsigned int high, unsigned int low) {
    reinterpret_cast<Fiber*>((std::uintptr_t{high} << 32) | low)->run();
}

void Fiber::run() {
    after_switch(nullptr, &back_stack_, &back_size_);
    body_();
    ended_ = true;
    before_switch(nullptr, back_stack_, back_size_);
    setcontext(&back_);
}

void Fiber::resume() {
    auto* const globals = reinterpret_cast<Exceptions*>(abi::__cxa_get_globals());
    std::swap(*globals, exceptions_);
    before_switch(&sanitizer_back_, stack_.get(), kStack);
    swapcontext(&back_, &own_);
    after_switch(sanitizer_back_, nullptr, nullptr);
    std::swap(*globals, exceptions_);
}

void Fiber::give_way() {
    before_switch(&sanitizer_own_, back_stack_, back_size_);
    swapcontext(&own_, &back_);
    after_switch(sanitizer_own_, &back_stack_, &back_size_);
}

}  // namespace dsfailover
