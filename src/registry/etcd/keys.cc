#include "registry/etcd/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "base/base64.h"

namespace dsfailover {

using Access = EtcdClient::Access;

namespace {

/// Bounds an answer: with values of a few hundred bytes about a megabyte. Where they are larger,
/// fewer keys are asked for at once.
constexpr int kPageKeys = 4000;
constexpr int kFewer = 8;
/// etcd's --max-txn-ops is 128, for comparisons as well: two for each key that is removed.
constexpr std::size_t kBatchKeys = 64;
/// Transactions under way at once.
constexpr std::size_t kFlights = 3;

/// The first key that does not begin with `prefix`.
std::string end_of(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
    if (prefix.empty()) return std::string(1, '\0');
    ++prefix.back();
    return prefix;
}

Json compare(const std::string& key, const char* target, const char* field, std::int64_t revision) {
    return {{"key", to_base64(key)},
            {"target", target},
            {"result", "EQUAL"},
            {field, std::to_string(revision)}};
}

Json put(const std::string& key, const std::string& value) {
    return {{"key", to_base64(key)}, {"value", to_base64(value)}};
}

Json transaction(const Json::Elements& conditions, const Json::Elements& then,
                 const Json::Elements& otherwise = {}) {
    return {{"compare", conditions}, {"success", then}, {"failure", otherwise}};
}

/// That the key is unchanged, and nothing is below it.
Json::Elements unchanged_and_alone(const EtcdKeys::Deletion& deletion) {
    Json nothing_below = compare(deletion.key + "/", "CREATE", "create_revision", 0);
    nothing_below["range_end"] = to_base64(end_of(deletion.key + "/"));
    return {compare(deletion.key, "MOD", "mod_revision", deletion.mod_revision),
            std::move(nothing_below)};
}

Json erasing(const EtcdKeys::Deletion& deletion) {
    return {{"request_delete_range", {{"key", to_base64(deletion.key)}}}};
}

/// Deletes the key if it is unchanged and alone, and otherwise says what is there.
Json erase_if_unchanged(const EtcdKeys::Deletion& deletion) {
    return transaction(
        unchanged_and_alone(deletion), {erasing(deletion)},
        {{{"request_range", {{"key", to_base64(deletion.key)}, {"keys_only", true}}}}});
}

/// Deletes all or none: nearly always none has changed, and a single transaction costs etcd half as
/// much as one for each.
Json erase_all_unchanged(std::span<const EtcdKeys::Deletion> batch) {
    Json::Elements conditions, operations;
    for (const EtcdKeys::Deletion& deletion : batch) {
        for (Json& condition : unchanged_and_alone(deletion))
            conditions.push_back(std::move(condition));
        operations.push_back(erasing(deletion));
    }
    return transaction(conditions, operations);
}

/// False: nothing was deleted.
bool note_erased(std::span<EtcdKeys::Deletion> batch, const Json& answer) {
    if (!etcd_flag(answer, "succeeded")) return false;
    for (EtcdKeys::Deletion& deletion : batch) deletion.outcome = RemoveOutcome::removed;
    return true;
}

std::string removing(std::span<const EtcdKeys::Deletion> batch) {
    return batch.size() == 1
               ? "removing " + batch[0].key
               : fmt::format("removing {} keys, the first {}", batch.size(), batch[0].key);
}

/// What the operation number `index` of a transaction answers; nullptr if nothing of that kind.
const Json* response_of(const Json& answer, std::size_t index, const char* kind) {
    const Json* const all = answer.find("responses");
    if (!all || index >= all->elements().size()) return nullptr;
    return all->elements()[index].find(kind);
}

/// nullopt: the answer does not say.
std::optional<RemoveOutcome> outcome_of(const EtcdKeys::Deletion& deletion, const Json& answer) {
    if (etcd_flag(answer, "succeeded")) return RemoveOutcome::removed;
    const Json* const range = response_of(answer, 0, "response_range");
    if (!range) return std::nullopt;
    const auto keys = etcd_keys(*range);
    if (keys.empty()) return RemoveOutcome::vanished;
    const bool unchanged = keys.front().mod_revision == deletion.mod_revision;
    return unchanged ? RemoveOutcome::has_children : RemoveOutcome::changed;
}

}  // namespace

std::vector<EtcdKey> EtcdKeys::read_keys(const Json& range) const try {
    return etcd_keys(range);
} catch (const RegistryError& error) {
    throw RegistryError(RegistryError::Kind::unreachable,
                        fmt::format("{}: {}; check --registry", client_.endpoint(), error.what()));
}

std::optional<EtcdKey> EtcdKeys::find(const std::string& key) {
    std::vector<EtcdKey> keys = read_keys(
        client_.call(Access::read, "kv/range", {{"key", to_base64(key)}}, "reading " + key));
    if (keys.empty()) return std::nullopt;
    return std::move(keys.front());
}

void EtcdKeys::scan(const std::string& prefix, bool keys_only,
                    const std::function<void(EtcdKey&)>& found) {
    const std::string end = to_base64(end_of(prefix));
    std::string start = prefix;
    int limit = kPageKeys;
    for (bool more = true; more;) {
        Json answer;
        try {
            answer = client_.call(Access::read, "kv/range",
                                  {{"key", to_base64(start)},
                                   {"range_end", end},
                                   {"limit", limit},
                                   {"keys_only", keys_only}},
                                  "reading below " + prefix);
        } catch (const EtcdAnswerTooLong&) {
            if (limit == 1) throw;
            limit = std::max(1, limit / kFewer);
            continue;
        }
        std::vector<EtcdKey> page = read_keys(answer);
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
    Json request = put(key, value);
    if (lease != 0) request["lease"] = std::to_string(lease);
    const Json answer = client_.call(
        Access::write, "kv/txn",
        transaction({compare(key, "CREATE", "create_revision", 0)}, {{{"request_put", request}}}),
        "creating " + key);
    return etcd_flag(answer, "succeeded");
}

bool EtcdKeys::replace(const std::string& key, const std::string& value,
                       std::int64_t mod_revision) {
    const Json answer =
        client_.call(Access::write, "kv/txn",
                     transaction({compare(key, "MOD", "mod_revision", mod_revision)},
                                 {{{"request_put", put(key, value)}}}),
                     "writing " + key);
    return etcd_flag(answer, "succeeded");
}

/// A transaction under way that deletes all of its batch, or none.
struct EtcdKeys::Flight {
    std::span<Deletion> batch;
    std::unique_ptr<EtcdClient::Pending> answer;
};

/// Several transactions under way at once: nearly all the time is etcd's, and it reads one while it
/// writes another.
void EtcdKeys::erase(std::span<Deletion> deletions) {
    std::deque<Flight> flights;
    const auto finish_first = [&] {
        Flight first = std::move(flights.front());
        flights.pop_front();
        finish(std::move(first));
    };
    try {
        for (std::size_t start = 0; start < deletions.size(); start += kBatchKeys) {
            const auto batch =
                deletions.subspan(start, std::min(kBatchKeys, deletions.size() - start));
            flights.push_back({batch, client_.start_write("kv/txn", erase_all_unchanged(batch),
                                                          removing(batch))});
            if (flights.size() == kFlights) finish_first();
        }
        while (!flights.empty()) finish_first();
    } catch (const RegistryError&) {
        for (Flight& flight : flights) note_outcome(flight);
        throw;
    }
}

void EtcdKeys::finish(Flight flight) {
    bool unknown = false;
    try {
        if (note_erased(flight.batch, flight.answer->wait())) return;
    } catch (const RegistryError& error) {
        unknown = error.kind() == RegistryError::Kind::outcome_unknown;
    }
    // Each key by itself then, at whichever endpoint answers.
    if (unknown)
        erase_after_unknown(flight.batch);
    else
        erase_batch(flight.batch);
}

/// Where the registry is given up nothing is tried again.
void EtcdKeys::note_outcome(Flight& flight) try {
    note_erased(flight.batch, flight.answer->wait());
} catch (const RegistryError& error) {
    for (Deletion& deletion : flight.batch) deletion.problem = error.what();
}

void EtcdKeys::erase_batch(std::span<Deletion> batch) {
    try {
        erase_in_transaction(batch);
    } catch (const RegistryError& error) {
        if (error.kind() == RegistryError::Kind::outcome_unknown) return erase_after_unknown(batch);
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

/// A transaction happens whole or not at all. If nothing is left of it now it did.
void EtcdKeys::erase_after_unknown(std::span<Deletion> batch) {
    erase_in_transaction(batch);
    const auto is = [](RemoveOutcome outcome) {
        return [outcome](const Deletion& deletion) { return deletion.outcome == outcome; };
    };
    if (std::any_of(batch.begin(), batch.end(), is(RemoveOutcome::removed))) return;
    for (Deletion& deletion : batch)
        if (is(RemoveOutcome::vanished)(deletion)) deletion.outcome = RemoveOutcome::removed;
}

/// All or none; else a transaction of transactions, because the comparisons of a single one decide
/// for all its keys. The single one comes first in any case: it asks for the rights to every key.
void EtcdKeys::erase_in_transaction(std::span<Deletion> batch) {
    if (note_erased(batch, client_.call(Access::write, "kv/txn", erase_all_unchanged(batch),
                                        removing(batch))))
        return;
    Json::Elements operations;
    for (const Deletion& deletion : batch)
        operations.push_back({{"request_txn", erase_if_unchanged(deletion)}});
    // etcd does not ask for the rights to what a transaction inside does, but for those to this: a
    // key that nobody has.
    operations.push_back({{"request_delete_range", {{"key", to_base64(batch[0].key + '\0')}}}});
    const Json answer = client_.call(Access::write, "kv/txn", {{"success", std::move(operations)}},
                                     removing(batch));
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const Json* const response = response_of(answer, i, "response_txn");
        const auto outcome = response ? outcome_of(batch[i], *response) : std::nullopt;
        if (!outcome)
            throw RegistryError(RegistryError::Kind::outcome_unknown,
                                fmt::format("etcd at {} gives an answer to a transaction that is "
                                            "not understood: it does not say what became of {}",
                                            client_.endpoint(), batch[i].key));
        batch[i].outcome = *outcome;
    }
}

}  // namespace dsfailover
