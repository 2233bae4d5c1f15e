#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "store/command_store.h"

namespace dsfailover {

/// What masters take from t_ds_command while some commands there are watched: whether they pass
/// these by, or are busy with those before them. Masters take commands by priority, then by id.
class QueueWatch {
  public:
    QueueWatch();
    ~QueueWatch();
    QueueWatch(const QueueWatch&) = delete;
    QueueWatch& operator=(const QueueWatch&) = delete;

    /// Looks at every command that waits; remembers some bits of each. Not inside a transaction.
    /// Throws as CommandStore.
    void look(CommandStore& commands);

    /// Of a command that was there at every look, two at least: whether no master takes it. So it
    /// is where one that comes after it (a higher id, no higher priority) left meanwhile, or none
    /// left at all.
    bool nobody_takes(const WaitingCommand& command) const;

  private:
    class Waiting;

    std::unique_ptr<Waiting> waiting_;           // at the last look
    std::map<int, std::int64_t> last_to_leave_;  // the highest id, by priority
};

}  // namespace dsfailover
