#include "registry/registry.h"

namespace dsfailover {

std::vector<NodeRead> Registry::get_all(std::span<const std::string> paths) {
    std::vector<NodeRead> reads;
    for (const std::string& path : paths) {
        NodeRead& read = reads.emplace_back();
        read.name = path.substr(path.rfind('/') + 1);
        try {
            read.node = get(path);
        } catch (const RegistryError& error) {
            if (error.kind() != RegistryError::Kind::denied) throw;
            read.problem = error.what();
        }
    }
    return reads;
}

std::optional<std::string> Registry::twin_of(const std::string&) { return std::nullopt; }

bool Registry::of_one_process(const Node& a, const Node& b) {
    return !a.owner.empty() && a.owner == b.owner;
}

void Registry::put_all(std::span<Put> puts) {
    for (Put& each : puts) {
        try {
            each.outcome = put(each.path, each.value, each.version) ? PutOutcome::written
                                                                    : PutOutcome::not_as_read;
        } catch (const RegistryError& error) {
            if (error.kind() != RegistryError::Kind::outcome_unknown) throw;
            each.outcome = PutOutcome::unknown;
        }
    }
}

std::vector<std::unique_ptr<Lock>> Registry::try_locks(std::span<const std::string> paths) {
    return std::vector<std::unique_ptr<Lock>>(paths.size());
}

std::vector<bool> Registry::still_held(std::span<Lock* const> locks) {
    std::vector<bool> held;
    for (Lock* lock : locks) held.push_back(lock->still_held());
    return held;
}

void Registry::release(std::span<Lock* const> locks) noexcept {
    for (Lock* lock : locks) lock->release();
}

}  // namespace dsfailover
