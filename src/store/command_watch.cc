#include "store/command_watch.h"

#include <algorithm>
#include <roaring/roaring64map.hh>

namespace dsfailover {

class CommandWatch::WorkflowIds {
  public:
    // 0 is not a workflow instance.
    void add(std::int64_t id) {
        if (id != 0) ids_.add(static_cast<std::uint64_t>(id));
    }
    void add(const WorkflowIds& others) { ids_ |= others.ids_; }
    bool contains(std::int64_t id) const { return ids_.contains(static_cast<std::uint64_t>(id)); }
    bool empty() const { return ids_.isEmpty(); }
    void clear() { ids_.clear(); }

  private:
    Roaring64Map ids_;
};

namespace {

// So long, at most, a transaction that inserts a command takes: afterwards its ids can be seen.
constexpr EpochMs kLongestInsert = 60'000;

// So many gaps between our own ids are looked into, each with a statement of its own. MariaDB
// leaves some ids out after every statement, so that there are as many as we made statements.
constexpr std::size_t kRanges = 16;
constexpr std::int64_t kLongRange = 100;

// The ids of commands that a transaction of ours inserted.
class OwnCommands {
  public:
    explicit OwnCommands(std::span<const FailedOver> ours) {
        ids_.reserve(ours.size());
        for (const FailedOver& failed_over : ours) ids_.push_back(failed_over.command_id);
        if (!std::is_sorted(ids_.begin(), ids_.end())) std::sort(ids_.begin(), ids_.end());
    }
    std::int64_t first() const { return ids_.front(); }
    std::int64_t last() const { return ids_.back(); }
    bool follow_one_another() const { return last() - first() == std::ssize(ids_) - 1; }
    bool contains(std::int64_t id) const {
        return std::binary_search(ids_.begin(), ids_.end(), id);
    }
    const std::vector<std::int64_t>& ids() const { return ids_; }

  private:
    std::vector<std::int64_t> ids_;
};

// Those that come more than once. MySQL does not return what it inserted; a recovery command that
// somebody else inserted at the same time is found among ours.
std::vector<std::int64_t> with_two_commands(std::span<const FailedOver> ours) {
    std::vector<std::int64_t> ids;
    ids.reserve(ours.size());
    for (const FailedOver& failed_over : ours) ids.push_back(failed_over.id);
    if (!std::is_sorted(ids.begin(), ids.end())) std::sort(ids.begin(), ids.end());
    std::vector<std::int64_t> twice;
    for (std::size_t i = 1; i < ids.size(); ++i) {
        if (ids[i] == ids[i - 1] && (twice.empty() || twice.back() != ids[i])) {
            twice.push_back(ids[i]);
        }
    }
    return twice;
}

}  // namespace

CommandWatch::CommandWatch()
    : seen_(std::make_unique<WorkflowIds>()), seen_since_look_(std::make_unique<WorkflowIds>()) {}

CommandWatch::~CommandWatch() = default;

void CommandWatch::note(std::int64_t workflow_id) {
    const std::lock_guard lock(mutex_);
    seen_->add(workflow_id);
}

bool CommandWatch::seen(std::int64_t workflow_id) const {
    const std::lock_guard lock(mutex_);
    return seen_->contains(workflow_id);
}

void CommandWatch::look(CommandStore& commands) { look(commands, {}); }

void CommandWatch::look(CommandStore& commands,
                        const std::function<void(const WaitingCommand&)>& command) {
    WorkflowIds found;
    std::int64_t last = 0;
    const auto take = [&](std::int64_t id, std::int64_t workflow_id) {
        last = std::max(last, id);
        found.add(workflow_id);
    };
    const bool looked = [&] {
        const std::lock_guard lock(mutex_);
        return looked_;
    }();
    const std::int64_t known = known_up_to();
    // Where the newest are gone, what is left is little, and an old MySQL that was restarted gives
    // their ids out again.
    if (!looked || commands.highest_id() < known) {
        if (command) {
            commands.scan([&](const WaitingCommand& waiting) {
                take(waiting.id, waiting.workflow_instance_id);
                command(waiting);
            });
        } else {
            commands.scan_ids(take);
        }
    } else {
        last = known;
        std::int64_t after = known;
        std::vector<IdRange> own;
        if (commands.id_slack() > 0) own = not_to_look_at(after, commands.id_slack());
        commands.newer_than(after, own, take);
    }
    const std::lock_guard lock(mutex_);
    last_id_ = last;
    looked_ = true;
    looks_.emplace_back(now_ms(), last);
    seen_->add(found);
    seen_since_look_->clear();
}

// Ids are given out when a row is inserted, and seen when its transaction is committed. Sets
// `after`, the id up to which everything was seen, back to where one may still appear, and returns
// what behind it is our own.
std::vector<IdRange> CommandWatch::not_to_look_at(std::int64_t& after, std::int64_t slack) {
    const std::lock_guard lock(mutex_);
    const EpochMs longest_ago = now_ms() - kLongestInsert;
    while (looks_.size() > 1 && looks_[1].first < longest_ago) looks_.pop_front();
    const std::int64_t seen_then = looks_.empty() ? 0 : looks_.front().second;
    own_ids_.forget_up_to(seen_then - kLongRange * 100);
    after = std::min(after, seen_then) - slack;
    std::vector<IdRange> own = own_ids_.long_ones(after, kLongRange, kRanges);
    // What lies between more than these is not looked at again, or each look would cost as much as
    // there is of ours.
    if (own.size() == kRanges) after = std::max(after, own.back().first - 1 - slack);
    return own;
}

std::int64_t CommandWatch::known_up_to() const {
    const std::lock_guard lock(mutex_);
    return last_id_;
}

std::vector<std::int64_t> CommandWatch::look_locked(CommandStore& commands,
                                                    std::span<const FailedOver> ours) {
    if (ours.empty()) return {};
    const OwnCommands own(ours);
    const bool slow_to_appear = commands.id_slack() > 0;
    // Another thread may have seen ids behind ours already, but not what was inserted among ours.
    std::int64_t after = std::min(known_up_to(), own.first() - 1);
    std::vector<IdRange> not_asked;
    if (slow_to_appear) {
        {
            // Before it is known whether they stay: if not, nobody else gets these ids. Two of our
            // transactions at a time take ids in turn; together theirs make one range.
            const std::lock_guard lock(mutex_);
            own_ids_.add(own.ids());
        }
        not_asked = not_to_look_at(after, commands.id_slack());
    }
    if (own.follow_one_another()) not_asked.push_back({own.first(), own.last()});
    WorkflowIds found;
    std::int64_t last = own.last();
    commands.newer_than(after, not_asked, [&](std::int64_t id, std::int64_t workflow_id) {
        last = std::max(last, id);
        if (!own.contains(id)) found.add(workflow_id);
    });
    std::vector<std::int64_t> theirs = with_two_commands(ours);
    const std::lock_guard lock(mutex_);
    last_id_ = slow_to_appear ? std::max(last_id_, last) : own.first() - 1;
    looks_.emplace_back(now_ms(), last_id_);
    seen_->add(found);
    seen_since_look_->add(found);
    if (seen_since_look_->empty()) return theirs;
    for (const FailedOver& failed_over : ours) {
        if (!seen_since_look_->contains(failed_over.id)) continue;
        if (std::find(theirs.begin(), theirs.end(), failed_over.id) == theirs.end()) {
            theirs.push_back(failed_over.id);
        }
    }
    return theirs;
}

bool CommandWatch::came_since_look(std::int64_t workflow_id) const {
    const std::lock_guard lock(mutex_);
    return seen_since_look_->contains(workflow_id);
}

void CommandWatch::committed(std::span<const FailedOver> ours) {
    const std::lock_guard lock(mutex_);
    for (const FailedOver& failed_over : ours)
        last_id_ = std::max(last_id_, failed_over.command_id);
}

}  // namespace dsfailover
