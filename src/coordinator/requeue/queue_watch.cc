#include "coordinator/requeue/queue_watch.h"

#include <algorithm>
#include <roaring/roaring64map.hh>

namespace dsfailover {

/// The ids of commands, by priority.
class QueueWatch::Waiting {
  public:
    std::map<int, Roaring64Map> ids;
};

QueueWatch::QueueWatch() = default;
QueueWatch::~QueueWatch() = default;

void QueueWatch::look(CommandStore& commands) {
    auto now = std::make_unique<Waiting>();
    commands.scan([&](const WaitingCommand& command) {
        now->ids[command.priority].add(static_cast<std::uint64_t>(command.id));
    });
    if (waiting_) {
        for (auto& [priority, left] : waiting_->ids) {
            left -= now->ids[priority];
            if (left.isEmpty()) continue;
            std::int64_t& last = last_to_leave_[priority];
            last = std::max(last, static_cast<std::int64_t>(left.maximum()));
        }
    }
    waiting_ = std::move(now);
}

bool QueueWatch::nobody_takes(const WaitingCommand& command) const {
    return last_to_leave_.empty() ||
           std::any_of(last_to_leave_.begin(), last_to_leave_.end(), [&](const auto& last) {
               return last.first >= command.priority && last.second > command.id;
           });
}

}  // namespace dsfailover
