#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <future>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/interruption.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// A queue of instances of one address in bounded memory: what does not fit into a small buffer
/// goes to a nameless temporary file, so that a failover of a million workflows needs no more
/// memory than one of ten thousand. Write all, then read all, once.
class WorkflowSpool {
  public:
    explicit WorkflowSpool(std::size_t buffer_bytes = 64 * 1024) : buffer_bytes_(buffer_bytes) {}

    /// Throws Error(failed) if the temporary file cannot be made or written (TMPDIR names another
    /// folder).
    void add(const WorkflowInstance& instance);
    std::int64_t size() const { return size_; }

    /// The next at most `count` instances in the order they were added; fewer only at the end.
    /// `host` is set in each.
    std::vector<WorkflowInstance> take(std::size_t count, const std::string& host);

  private:
    void spill();
    bool read_record(std::string& record);

    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::size_t buffer_bytes_;
    std::string record_;  // being encoded
    std::string buffer_;
    std::size_t buffer_read_ = 0;
    std::unique_ptr<std::FILE, Close> file_;
    bool reading_ = false;
    std::int64_t size_ = 0;
};

/// Takes all of `spool`, at most `size` instances at a time, and hands each page to `work`. Throws
/// Interrupted between two of them.
template <typename Work>
void for_pages(WorkflowSpool& spool, std::size_t size, const std::string& host, const Work& work) {
    for (;;) {
        check_interruption();
        const std::vector<WorkflowInstance> page = spool.take(size, host);
        if (page.empty()) return;
        work(page);
    }
}

/// As for_pages(), and hands to `work` what `prepare` made of the page, too. While `work` is at one
/// page, `prepare` is at the next, on a thread of its own (run_beside()): nothing that the two use
/// may be shared. Throws what `prepare` throws before `work` gets its page.
template <typename Prepare, typename Work>
void for_prepared_pages(WorkflowSpool& spool, std::size_t size, const std::string& host,
                        const Prepare& prepare, const Work& work) {
    using Page = std::vector<WorkflowInstance>;
    struct Ahead {
        Page page;
        std::invoke_result_t<Prepare, const Page&> prepared;
        std::future<void> ready;
    };
    const auto begin_next = [&]() -> std::unique_ptr<Ahead> {
        auto ahead = std::make_unique<Ahead>();
        ahead->page = spool.take(size, host);
        if (ahead->page.empty()) return nullptr;
        ahead->ready =
            run_beside([&prepare, at = ahead.get()] { at->prepared = prepare(at->page); });
        return ahead;
    };
    for (std::unique_ptr<Ahead> next = begin_next(); next;) {
        check_interruption();
        next->ready.get();
        const std::unique_ptr<Ahead> current = std::exchange(next, begin_next());
        work(current->page, current->prepared);
    }
}

}  // namespace dsfailover
