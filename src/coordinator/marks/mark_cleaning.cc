#include "coordinator/marks/mark_cleaning.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/interruption.h"
#include "base/log.h"
#include "base/pace.h"
#include "base/plural.h"
#include "coordinator/clock_check.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/marks/fence.h"
#include "coordinator/marks/mark_evidence.h"
#include "coordinator/report_names.h"
#include "registry/living_servers.h"
#include "registry/paths.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

// Marks removed before the audit log has them.
constexpr std::size_t kRemovalBatch = 2000;
constexpr EpochMs kHeartbeatAge = 24 * 3600 * 1000;

MarkItem describe(const NodeRead& child, EpochMs now) {
    MarkItem item;
    item.name = child.name;
    if (const auto name = parse_mark_name(child.name)) {
        item.address = name->address;
        if (name->process) {
            item.startup_time = name->process->startup_time;
            item.process_id = name->process->process_id;
        }
    }
    if (child.node) {
        item.value = child.node->value;
        const auto value = parse_mark_value(child.node->value);
        if (value != kFenceValue) {
            if (value) item.age_ms = now - *value;
        } else if (item.startup_time) {
            item.age_ms = now - *item.startup_time;  // its value is not a time
        }
    }
    return item;
}

/// What protects a mark from being cleaned.
struct Evidence {
    std::map<std::string, EpochMs> newest;  ///< per address with unfinished instances
    Servers living;
};

/// Without a database the heartbeats tell when our clock is far ahead, which would delete every
/// mark. That of a hung server lies behind, so the latest counts.
void check_clock_by_heartbeats(const Servers& servers) {
    std::optional<EpochMs> latest;
    for (const auto* folder : {&servers.masters, &servers.workers})
        for (const Server& server : *folder) latest = std::max(latest, server.report_time);
    if (!latest || *latest >= now_ms() - kHeartbeatAge) return;
    throw EnvironmentError(fmt::format(
        "The clock of this machine says {}, and the last heartbeat of any living server is dated "
        "{}: over a day apart, no age of a mark can be right. Set the clock right (NTP), or give "
        "--database, whose clock is compared then.",
        format_rfc3339(now_ms()), format_rfc3339(*latest)));
}

Evidence collect_evidence(Registry& registry, const RunContext* context) {
    Evidence evidence;
    evidence.living = read_servers(registry, true);
    if (context)
        check_clocks(*context, evidence.living);
    else
        check_clock_by_heartbeats(evidence.living);
    if (!context) return evidence;
    // State FAILOVER too: once a master took it, only the mark tells that it did.
    WorkflowInstanceStore(context->store())
        .scan_states(kUnfinishedOrFailoverStates, [&](const WorkflowInstance& instance) {
            if (instance.host) evidence.newest.try_emplace(*instance.host, -1);
        });
    return evidence;
}

/// A mark that is old enough to go, as far as its value tells.
struct Candidate {
    std::string name;
    std::string version;
    std::string value;
};

class Cleaner {
  public:
    Cleaner(Registry& registry, AuditLog& audit, Report& report, const RunContext* context,
            const MarksOptions& options)
        : registry_(registry),
          audit_(audit),
          report_(report),
          context_(context),
          options_(options),
          now_(now_ms()),
          evidence_(collect_evidence(registry, context)),
          section_(report.marks.emplace(options.items)) {}

    void run() {
        if (options_.names.empty()) {
            registry_.read_children(std::string(paths::kMarks),
                                    [&](NodeRead child) { examine(child); });
            protect_evidence();
        } else {
            examine_named();
            weigh_named();
        }
        for (std::size_t at = 0; at < candidates_.size(); at += kRemovalBatch) {
            check_interruption();
            audit_.check();
            remove(at, std::min(at + kRemovalBatch, candidates_.size()));
        }
        if (section_.failed == 0) return;
        report_.problems.push_back(
            {ExitCode::needs_person,
             fmt::format("{} could not be handled; the items say which, and why.{}",
                         counted(section_.failed, "mark"),
                         section_.examined > section_.failed ? " All others were." : "")});
    }

  private:
    void add(const std::string& name, const std::optional<std::string>& value, MarkOutcome outcome,
             std::string reason) {
        Node node;
        node.value = value.value_or("");
        MarkItem item = describe({name, value ? std::optional(node) : std::nullopt, ""}, now_);
        item.outcome = outcome;
        if (!reason.empty()) item.reason = std::move(reason);
        section_.items.add(std::move(item));
    }

    void fail(const std::string& name, const std::optional<std::string>& value,
              std::string reason) {
        ++section_.failed;
        add(name, value, MarkOutcome::failed, std::move(reason));
    }

    void keep(const std::string& name, const std::string& value, std::string reason) {
        ++section_.kept;
        add(name, value, MarkOutcome::kept, std::move(reason));
    }

    void examine(NodeRead& child) {
        ++section_.examined;
        if (!child.node) {
            return fail(child.name, std::nullopt,
                        child.problem.empty() ? "it vanished while it was read" : child.problem);
        }
        const auto name = parse_mark_name(child.name);
        const auto value = parse_mark_value(child.node->value);
        if (!value)
            return fail(child.name, child.node->value, "its value is not epoch milliseconds");
        if (name && *value != kFenceValue) {
            if (auto newest = evidence_.newest.find(name->address);
                newest != evidence_.newest.end()) {
                newest->second = std::max(newest->second, *value);
            }
        }
        const bool is_fence = *value == kFenceValue;
        if (is_fence && name && is_fence_kept(*name, evidence_.living, now_))
            return keep(child.name, child.node->value, "fence");
        if (now_ - age_begins(*value, name) <= options_.older_than.count()) {
            ++section_.kept;  // too many and too ordinary to be listed
            return;
        }
        candidates_.push_back(
            {std::move(child.name), std::move(child.node->version), std::move(child.node->value)});
    }

    void examine_named() {
        const std::set<std::string> names(options_.names.begin(), options_.names.end());
        std::vector<std::string> paths;
        for (const std::string& name : names) paths.push_back(mark_path_of_name(name));
        for (NodeRead& child : registry_.get_all(paths)) {
            ++section_.examined;
            if (!child.node) {
                fail(child.name, std::nullopt,
                     child.problem.empty() ? "there is no such mark" : child.problem);
                continue;
            }
            const auto name = parse_mark_name(child.name);
            const bool is_fence = parse_mark_value(child.node->value) == kFenceValue;
            if (is_fence && name && lives_at(*name, evidence_.living)) {
                report_.problems.push_back(
                    {ExitCode::refused,
                     fmt::format("{} is the fence of a server that lives at {}: it is kept.",
                                 child.name, name->address)});
                keep(child.name, child.node->value, "fence");
                continue;
            }
            candidates_.push_back({std::move(child.name), std::move(child.node->version),
                                   std::move(child.node->value)});
        }
    }

    void weigh_named() {
        std::set<std::string> names;
        for (const Candidate& candidate : candidates_) names.insert(candidate.name);
        if (names.empty()) return;
        std::map<std::string, std::vector<ChangedVerdict>> changes;
        if (context_) changes = verdicts_without(*context_, evidence_.living, names);
        std::erase_if(candidates_, [&](const Candidate& candidate) {
            const bool is_fence = parse_mark_value(candidate.value) == kFenceValue;
            const auto found = changes.find(candidate.name);
            const bool unknown = !context_ && !is_fence;
            if (found == changes.end() && !unknown) return false;
            const std::string why =
                unknown
                    ? fmt::format("Whether {} is evidence only the database tells.", candidate.name)
                    : what_changes(candidate.name, found->second);
            if (options_.evidence) {
                report_.warnings.push_back(why);
                return false;
            }
            report_.problems.push_back(
                {ExitCode::needs_person, why + " It was kept; --evidence deletes it."});
            keep(candidate.name, candidate.value, "evidence");
            return true;
        });
    }

    static std::string what_changes(const std::string& mark,
                                    const std::vector<ChangedVerdict>& changes) {
        std::map<std::pair<std::string, std::string>, std::vector<std::int64_t>> ids;
        for (const ChangedVerdict& each : changes)
            ids[{each.before, each.after}].push_back(each.id);
        std::vector<std::string> parts;
        for (const auto& [change, those] : ids)
            parts.push_back(
                fmt::format("{} instead of {}: {}", change.second, change.first, some_ids(those)));
        return fmt::format(
            "{} is evidence. Without it, and without the masters' answers, workflows are {}.", mark,
            fmt::join(parts, "; "));
    }

    // A fence's value is not a time: it is as old as its process.
    static EpochMs age_begins(EpochMs value, const std::optional<MarkName>& name) {
        return value == kFenceValue && name && name->process ? name->process->startup_time : value;
    }

    void protect_evidence() {
        std::erase_if(candidates_, [&](const Candidate& candidate) {
            const auto name = parse_mark_name(candidate.name);
            const auto newest =
                name ? evidence_.newest.find(name->address) : evidence_.newest.end();
            if (newest == evidence_.newest.end() ||
                newest->second != parse_mark_value(candidate.value))
                return false;
            keep(candidate.name, candidate.value, "evidence");
            return true;
        });
    }

    void remove(std::size_t begin, std::size_t end) {
        if (options_.dry_run) {
            for (std::size_t i = begin; i < end; ++i) {
                ++section_.removed;
                add(candidates_[i].name, candidates_[i].value, MarkOutcome::planned, "");
            }
            return;
        }
        std::vector<Removal> removals;
        removals.reserve(end - begin);
        for (std::size_t i = begin; i < end; ++i) {
            removals.push_back({mark_path_of_name(candidates_[i].name), candidates_[i].version,
                                RemoveOutcome::failed, ""});
        }
        const auto record_all = [&] {
            for (std::size_t i = begin; i < end; ++i) record(candidates_[i], removals[i - begin]);
        };
        try {
            registry_.remove(removals);
        } catch (const RegistryError& error) {
            record_all();
            for (std::size_t i = end; i < candidates_.size(); ++i)
                record(candidates_[i], Removal{"", "", RemoveOutcome::failed, ""});
            // Some may be removed without our having heard of it: "nothing written" cannot be said.
            throw Error(ExitCode::failed, error.what());
        } catch (const Interrupted&) {
            record_all();
            throw;
        }
        record_all();
        if (pace_.is_due())
            log_info("{} of {} marks removed{}", section_.removed, candidates_.size(),
                     pace_.rate(section_.removed, std::ssize(candidates_)));
    }

    void record(const Candidate& candidate, const Removal& removal) {
        const std::string& value = candidate.value;
        switch (removal.outcome) {
            case RemoveOutcome::removed:
                ++section_.removed;
                audit_.write(
                    {"mark", "removed", "", std::nullopt, std::nullopt, removal.path, value});
                return add(candidate.name, value, MarkOutcome::removed, "");
            case RemoveOutcome::changed:
                if (!options_.names.empty())
                    report_.problems.push_back(
                        {ExitCode::needs_person,
                         fmt::format("{} was kept: it was written again while we cleaned.",
                                     candidate.name)});
                return keep(candidate.name, value, "it was written again while we cleaned");
            case RemoveOutcome::vanished:
                return fail(candidate.name, value, "it vanished before it was removed");
            case RemoveOutcome::has_children:
                return fail(candidate.name, value,
                            "it has children; a mark has none, look what they are");
            case RemoveOutcome::failed:
                return fail(candidate.name, value,
                            removal.problem.empty() ? "not tried" : removal.problem);
        }
    }

    Registry& registry_;
    AuditLog& audit_;
    Report& report_;
    const RunContext* const context_;
    const MarksOptions& options_;
    EpochMs now_;
    Evidence evidence_;
    MarksSection& section_;
    std::vector<Candidate> candidates_;
    Pace pace_;
};

}  // namespace

void clean_marks(Registry& registry, AuditLog& audit, Report& report, const RunContext* context,
                 const MarksOptions& options) {
    Cleaner(registry, audit, report, context, options).run();
}

void list_marks(Registry& registry, Report& report, const MarksOptions& options) {
    read_servers(registry, false);
    const EpochMs now = now_ms();
    MarksSection& section = report.marks.emplace(options.items);
    std::vector<MarkItem> items;
    registry.read_children(std::string(paths::kMarks), [&](const NodeRead& child) {
        if (!child.node && child.problem.empty()) return;  // gone: nothing to list
        MarkItem item = describe(child, now);
        if (options.address && item.address != *options.address) return;
        if (item.age_ms.value_or(INT64_MAX) < options.older_than.count()) return;
        ++section.examined;
        if (child.node) {
            ++section.kept;
            item.outcome = MarkOutcome::kept;
            const auto value = parse_mark_value(child.node->value);
            if (!value) item.reason = "its value is not epoch milliseconds";
            if (value == kFenceValue) item.reason = "fence";
        } else {
            ++section.failed;
            item.outcome = MarkOutcome::failed;
            item.reason = child.problem;
        }
        items.push_back(std::move(item));
    });
    const auto shown =
        items.begin() + static_cast<std::ptrdiff_t>(std::min(items.size(), options.items));
    std::partial_sort(items.begin(), shown, items.end(), [](const MarkItem& a, const MarkItem& b) {
        const auto age = [](const MarkItem& item) { return item.age_ms.value_or(INT64_MAX); };
        return age(a) != age(b) ? age(a) > age(b) : a.name < b.name;
    });
    for (MarkItem& item : items) section.items.add(std::move(item));
    if (section.failed == 0) return;
    report.problems.push_back(
        {ExitCode::needs_person, fmt::format("{} could not be read; the items say which, and why.",
                                             counted(section.failed, "mark"))});
}

}  // namespace dsfailover
