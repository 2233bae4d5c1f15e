// A registry behind a pipe, for tests in which an independent client or a failing server takes
// part: reads one command a line, answers each with one line of JSON.
//
//   registry_driver HOST:PORT NAMESPACE SESSION_TIMEOUT_MS [USER PASSWORD]

#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "registry/registry.h"

namespace dsfailover {
namespace {

using nlohmann::json;

constexpr const char* kErrors[] = {"unreachable", "session_lost", "outcome_unknown", "denied",
                                   "other"};
constexpr const char* kOutcomes[] = {"removed", "changed", "vanished", "has_children", "failed"};

json to_json(const LockClaim& claim) {
    return {{"id", claim.id},
            {"owner", claim.owner},
            {"description", claim.description},
            {"since", claim.since},
            {"created_order", claim.created_order}};
}

class Driver {
  public:
    explicit Driver(const RegistrySettings& settings) : registry_(open_registry(settings)) {}

    json answer(const std::string& command, std::istream& arguments) {
        std::string path, value;
        arguments >> path;
        if (command == "lock") {
            Millis::rep time_limit = 0;
            arguments >> time_limit;
            int words = 0;
            LockAttempt attempt = registry_->lock(path, Millis(time_limit),
                                                  [&](const LockClaim&, Millis) { ++words; });
            lock_ = std::move(attempt.lock);
            return {{"locked", lock_ != nullptr},
                    {"words", words},
                    {"waited", attempt.waited.count()},
                    {"holder", attempt.holder ? to_json(*attempt.holder) : json()}};
        }
        if (command == "held") return lock_->still_held();
        if (command == "release") return lock_->release(), true;
        if (command == "claims") {
            json claims = json::array();
            for (const LockClaim& claim : registry_->claims(path)) claims.push_back(to_json(claim));
            return claims;
        }
        if (command == "get") {
            const auto node = registry_->get(path);
            if (!node) return nullptr;
            versions_[path] = node->version;
            return {{"value", node->value}, {"owner", node->owner}};
        }
        if (command == "create" || command == "replace") {
            arguments >> value;
            return registry_->put(path, value, command == "create" ? "" : versions_.at(path));
        }
        if (command == "read") return read(path);
        if (command == "remove") return remove();
        if (command == "living") {
            json servers;
            for (const Node& node : registry_->living(path, false)) servers[node.name] = node.owner;
            return servers;
        }
        if (command == "announce") {
            arguments >> value;
            announcement_ = registry_->announce(path, value);
            return announcement_ != nullptr;
        }
        if (command == "withdraw") return announcement_->withdraw();
        throw std::runtime_error("unknown command " + command);
    }

  private:
    /// Reads a folder and keeps what it saw for remove().
    json read(const std::string& folder) {
        read_.clear();
        json problems = json::object();
        registry_->read_children(folder, [&](const NodeRead& child) {
            if (!child.problem.empty()) problems[child.name] = child.problem;
            if (!child.node) return;
            Removal removal;
            removal.path = folder + "/" + child.name;
            removal.version = child.node->version;
            read_.push_back(std::move(removal));
        });
        return {{"read", read_.size()}, {"problems", problems}};
    }

    json remove() {
        registry_->remove(read_);
        json counts = json::object(), problems = json::object();
        for (const Removal& removal : read_) {
            const char* outcome = kOutcomes[static_cast<std::size_t>(removal.outcome)];
            counts[outcome] = counts.value(outcome, 0) + 1;
            if (removal.outcome != RemoveOutcome::removed)
                problems[removal.path] = std::string(outcome) + ": " + removal.problem;
        }
        return {{"outcomes", counts}, {"problems", problems}};
    }

    std::unique_ptr<Registry> registry_;
    std::unique_ptr<Lock> lock_;
    std::unique_ptr<Announcement> announcement_;
    std::map<std::string, std::string> versions_;
    std::vector<Removal> read_;
};

int run(const std::vector<std::string>& arguments) {
    RegistrySettings settings;
    settings.hosts = {arguments.at(0)};
    settings.name_space = arguments.at(1);
    settings.session_timeout = Millis(std::stol(arguments.at(2)));
    settings.connect_timeout = Millis(3000);
    if (arguments.size() > 4) {
        settings.user = arguments[3];
        settings.password = Secret(arguments[4]);
    }
    std::unique_ptr<Driver> driver;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        std::string command;
        words >> command;
        json answer;
        try {
            if (!driver) driver = std::make_unique<Driver>(settings);
            answer = {{"result", driver->answer(command, words)}};
        } catch (const RegistryError& error) {
            answer = {{"error", kErrors[static_cast<std::size_t>(error.kind())]},
                      {"message", error.what()}};
        } catch (const std::exception& error) {
            answer = {{"error", "unexpected"}, {"message", error.what()}};
        }
        std::cout << answer.dump() << std::endl;
    }
    return 0;
}

}  // namespace
}  // namespace dsfailover

int main(int argc, char** argv) {
    return dsfailover::run(std::vector<std::string>(argv + 1, argv + argc));
}
