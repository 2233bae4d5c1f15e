#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "registry/etcd/answer.h"
#include "registry/etcd/client.h"
#include "registry/registry.h"

namespace dsfailover {

/// Reading and writing single keys: exact ones only, never a range by accident.
class EtcdKeys {
  public:
    explicit EtcdKeys(EtcdClient& client) : client_(client) {}

    std::optional<EtcdKey> find(const std::string& key);
    /// Every key that begins with `prefix`, in pages; without values if `keys_only`. `found` may
    /// use the registry.
    void scan(const std::string& prefix, bool keys_only,
              const std::function<void(EtcdKey&)>& found);
    /// False if the key exists. It belongs to `lease`, if that is not 0.
    bool create(const std::string& key, const std::string& value, std::int64_t lease);
    /// False unless the key was last changed in `mod_revision`. It belongs to no lease
    /// from then on.
    bool replace(const std::string& key, const std::string& value, std::int64_t mod_revision);

    /// A key that is deleted if it was last changed in `mod_revision` and nothing is below it, and
    /// what became of that.
    struct Deletion {
        std::string key;
        std::int64_t mod_revision = 0;
        RemoveOutcome outcome = RemoveOutcome::failed;
        std::string problem;
    };
    /// Each stands for itself. Of those that were not tried when the registry was gone the problem
    /// stays empty.
    void erase(std::span<Deletion> deletions);

  private:
    std::vector<EtcdKey> read_keys(const Json& range) const;
    struct Flight;

    void finish(Flight flight);
    static void note_outcome(Flight& flight);
    void erase_batch(std::span<Deletion> batch);
    void erase_after_unknown(std::span<Deletion> batch);
    void erase_in_transaction(std::span<Deletion> batch);

    EtcdClient& client_;
};

}  // namespace dsfailover
