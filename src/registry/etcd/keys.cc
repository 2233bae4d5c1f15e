#include "registry/etcd/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/base64.h"

namespace dsfailover {

using nlohmann::json;
using Access = EtcdClient::Access;

namespace {

/// Bounds an answer: with values of a few hundred bytes about a megabyte.
constexpr int kPageKeys = 4000;
/// etcd's --max-txn-ops is 128, from which those of a transaction inside are taken off: two.
constexpr std::size_t kBatchKeys = 120;

/// The first key that does not begin with `prefix`.
std::string end_of(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
    if (prefix.empty()) return std::string(1, '\0');
    ++prefix.back();
    return prefix;
}

json compare(const std::string& key, const char* target, const char* field, std::int64_t revision) {
    return {{"key", to_base64(key)},
            {"target", target},
            {"result", "EQUAL"},
            {field, std::to_string(revision)}};
}

json put(const std::string& key, const std::string& value) {
    return {{"key", to_base64(key)}, {"value", to_base64(value)}};
}

json transaction(const std::vector<json>& conditions, const std::vector<json>& then,
                 const std::vector<json>& otherwise = {}) {
    return {{"compare", conditions}, {"success", then}, {"failure", otherwise}};
}

/// Deletes the key if it is unchanged and nothing is below it, and otherwise says what is there.
json erase_if_unchanged(const EtcdKeys::Deletion& deletion) {
    const std::string key = to_base64(deletion.key);
    const std::string end = to_base64(end_of(deletion.key + "/"));
    json nothing_below = compare(deletion.key + "/", "CREATE", "create_revision", 0);
    nothing_below["range_end"] = end;
    return transaction(
        {compare(deletion.key, "MOD", "mod_revision", deletion.mod_revision), nothing_below},
        {{{"request_delete_range", {{"key", key}}}}},
        {{{"request_range", {{"key", key}, {"keys_only", true}}}}});
}

RemoveOutcome outcome_of(const EtcdKeys::Deletion& deletion, const json& answer) {
    if (etcd_flag(answer, "succeeded")) return RemoveOutcome::removed;
    const auto keys = etcd_keys(answer.at("responses").at(0).at("response_range"));
    if (keys.empty()) return RemoveOutcome::vanished;
    const bool unchanged = keys.front().mod_revision == deletion.mod_revision;
    return unchanged ? RemoveOutcome::has_children : RemoveOutcome::changed;
}

}  // namespace

std::optional<EtcdKey> EtcdKeys::find(const std::string& key) {
    auto keys = etcd_keys(
        client_.call(Access::read, "kv/range", {{"key", to_base64(key)}}, "reading " + key));
    if (keys.empty()) return std::nullopt;
    return std::move(keys.front());
}

void EtcdKeys::scan(const std::string& prefix, bool keys_only,
                    const std::function<void(EtcdKey&)>& found) {
    const std::string end = to_base64(end_of(prefix));
    std::string start = prefix;
    for (bool more = true; more;) {
        const json answer = client_.call(Access::read, "kv/range",
                                         {{"key", to_base64(start)},
                                          {"range_end", end},
                                          {"limit", kPageKeys},
                                          {"keys_only", keys_only}},
                                         "reading below " + prefix);
        std::vector<EtcdKey> page = etcd_keys(answer);
        more = etcd_flag(answer, "more") && !page.empty();
        for (EtcdKey& key : page) {
            // Asked for what is behind an earlier key the server would never come to an end.
            if (!key.key.starts_with(prefix) || key.key < start)
                throw RegistryError(
                    RegistryError::Kind::other,
                    fmt::format("etcd at {} answers a key that was not asked for, reading below {}",
                                client_.endpoint(), prefix));
            start = key.key + '\0';
            found(key);
        }
    }
}

bool EtcdKeys::create(const std::string& key, const std::string& value, std::int64_t lease) {
    json request = put(key, value);
    if (lease != 0) request["lease"] = std::to_string(lease);
    const json answer = client_.call(
        Access::write, "kv/txn",
        transaction({compare(key, "CREATE", "create_revision", 0)}, {{{"request_put", request}}}),
        "creating " + key);
    return etcd_flag(answer, "succeeded");
}

bool EtcdKeys::replace(const std::string& key, const std::string& value,
                       std::int64_t mod_revision) {
    const json answer =
        client_.call(Access::write, "kv/txn",
                     transaction({compare(key, "MOD", "mod_revision", mod_revision)},
                                 {{{"request_put", put(key, value)}}}),
                     "writing " + key);
    return etcd_flag(answer, "succeeded");
}

void EtcdKeys::erase(std::span<Deletion> deletions) {
    for (std::size_t start = 0; start < deletions.size(); start += kBatchKeys)
        erase_batch(deletions.subspan(start, std::min(kBatchKeys, deletions.size() - start)));
}

void EtcdKeys::erase_batch(std::span<Deletion> batch) {
    try {
        erase_in_transaction(batch);
    } catch (const RegistryError& error) {
        if (error.kind() == RegistryError::Kind::outcome_unknown) {
            // A transaction happens whole or not at all. If nothing is left of it now it did.
            erase_in_transaction(batch);
            const auto is = [](RemoveOutcome outcome) {
                return [outcome](const Deletion& one) { return one.outcome == outcome; };
            };
            if (std::none_of(batch.begin(), batch.end(), is(RemoveOutcome::removed)))
                for (Deletion& deletion : batch)
                    if (is(RemoveOutcome::vanished)(deletion))
                        deletion.outcome = RemoveOutcome::removed;
            return;
        }
        const bool unreachable = error.kind() == RegistryError::Kind::unreachable;
        if (batch.size() > 1 && !unreachable) {
            // The one that may not be removed is looked for by halves.
            erase_batch(batch.first(batch.size() / 2));
            erase_batch(batch.subspan(batch.size() / 2));
            return;
        }
        for (Deletion& deletion : batch) deletion.problem = error.what();
        if (unreachable) throw;
    }
}

/// A transaction of transactions, because the comparisons of a single one decide for all its keys.
void EtcdKeys::erase_in_transaction(std::span<Deletion> batch) {
    json operations = json::array();
    for (const Deletion& deletion : batch)
        operations.push_back({{"request_txn", erase_if_unchanged(deletion)}});
    const json answer = client_.call(
        Access::write, "kv/txn", {{"success", std::move(operations)}},
        batch.size() == 1
            ? "removing " + batch[0].key
            : fmt::format("removing {} keys, the first {}", batch.size(), batch[0].key));
    try {
        const json& responses = answer.at("responses");
        for (std::size_t i = 0; i < batch.size(); ++i)
            batch[i].outcome = outcome_of(batch[i], responses.at(i).at("response_txn"));
    } catch (const json::exception& error) {
        throw RegistryError(RegistryError::Kind::outcome_unknown,
                            fmt::format("etcd at {} gives an answer to a transaction that is not "
                                        "understood: {}",
                                        client_.endpoint(), error.what()));
    }
}

}  // namespace dsfailover
