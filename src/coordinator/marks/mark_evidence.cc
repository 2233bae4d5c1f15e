#include "coordinator/marks/mark_evidence.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/address.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/selection.h"
#include "coordinator/marks/failover_marks.h"
#include "registry/paths.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

std::string word(Verdict verdict) {
    return verdict == Verdict::selected ? "selected" : std::string(to_string(skip_reason(verdict)));
}

/// The marks of an address, or of all masters, with those that go and without them.
struct Marks {
    std::optional<EpochMs> newest, newest_left;
    bool unparsable = false, unparsable_left = false;
    std::map<std::string, std::optional<EpochMs>> going{};  // by name

    /// `value`: none where it cannot be read.
    void add(const std::string& name, std::optional<EpochMs> value, bool goes) {
        if (goes) going.emplace(name, value);
        unparsable = unparsable || !value;
        unparsable_left = unparsable_left || (!value && !goes);
        if (!value || *value == kFenceValue) return;
        newest = std::max(newest, value);
        if (!goes) newest_left = std::max(newest_left, value);
    }
    /// Those that decide something, as far as they alone tell.
    std::vector<std::string> deciding() const {
        std::vector<std::string> names;
        for (const auto& [name, value] : going) {
            if (value ? value > newest_left.value_or(kFenceValue) : !unparsable_left)
                names.push_back(name);
        }
        return names;
    }
};

/// Judges each workflow as it is and as it would be.
class Comparison {
  public:
    Comparison(const RunContext& context, const Servers& servers,
               const std::set<std::string>& names)
        : context_(context), servers_(servers), names_(names), marks_(context.registry) {
        std::set<std::string> workers;
        for (const Server& worker : servers.workers) workers.insert(worker.address);
        context.registry.read_children(std::string(paths::kMarks), [&](const NodeRead& child) {
            const auto name = parse_mark_name(child.name);
            if (!child.node || !name || workers.contains(name->address)) return;
            of_any_master_.add(child.name, parse_mark_value(child.node->value),
                               names_.contains(child.name));
        });
    }

    std::map<std::string, std::vector<ChangedVerdict>> run() {
        SelectionRequest request;
        request.all_hosts = true;
        request.event_time = request.run_began = latest_clock(context_.database);
        request.judged = [&](const WorkflowInstance& row, const AddressFacts& facts,
                             const Evidence& evidence) { compare(row, facts, evidence); };
        request.each = [&](const WorkflowInstance& row) {
            if (row.state == workflow_state::kFailover) compare_in_failover(row);
        };
        read_selection(context_, servers_, request, {});
        std::map<std::string, std::vector<ChangedVerdict>> by_mark;
        for (const auto& [id, change] : changes_)
            for (const std::string& name : change.second) by_mark[name].push_back(change.first);
        return by_mark;
    }

  private:
    const Marks& of(const std::string& address) {
        const auto [entry, is_new] = by_address_.try_emplace(address);
        if (!is_new) return entry->second;
        for (const Node& node : marks_.of(address).nodes) {
            const auto value =
                parse_mark_name(node.name) ? parse_mark_value(node.value) : std::nullopt;
            entry->second.add(node.name, value, names_.contains(node.name));
        }
        return entry->second;
    }

    static void leave_out(const Marks& own, AddressFacts& facts) {
        facts.newest_mark = own.newest_left;
        if (own.unparsable && !own.unparsable_left) facts.unparsable_mark = false;
    }

    void note(std::int64_t id, Verdict before, Verdict after, std::vector<std::string> marks) {
        changes_[id] = {ChangedVerdict{id, word(before), word(after)}, std::move(marks)};
    }

    // One that is judged again comes again.
    void compare(const WorkflowInstance& row, AddressFacts facts, const Evidence& evidence) {
        changes_.erase(row.id);
        if (!facts.is_address) return;
        const Verdict before = judge(row, facts, evidence).verdict;
        const Marks& own = of(*row.host);
        leave_out(own, facts);
        const Verdict without_own = judge(row, facts, evidence).verdict;
        if (without_own != before) return note(row.id, before, without_own, own.deciding());
        if (of_any_master_.newest == of_any_master_.newest_left) return;
        facts.newest_mark_of_any_master = of_any_master_.newest_left.value_or(0);
        const Verdict without_any = judge(row, facts, evidence).verdict;
        if (without_any != before) note(row.id, before, without_any, of_any_master_.deciding());
    }

    // Once a master took it, only the mark tells that one did.
    void compare_in_failover(const WorkflowInstance& row) {
        if (!row.host || !is_address(*row.host)) return;
        AddressFacts facts;
        facts.recovery_leaves_host = context_.schema.recovery_leaves_host();
        const Marks& own = of(*row.host);
        facts.newest_mark = own.newest;
        facts.unparsable_mark = own.unparsable;
        if (!maybe_run_by_another(row, facts)) return;
        leave_out(own, facts);
        if (!maybe_run_by_another(row, facts))
            note(row.id, Verdict::in_doubt, Verdict::selected, own.deciding());
    }

    const RunContext& context_;
    const Servers& servers_;
    const std::set<std::string>& names_;
    FailoverMarks marks_;
    Marks of_any_master_;
    std::map<std::string, Marks> by_address_;
    // By workflow: what changes, and by which marks.
    std::map<std::int64_t, std::pair<ChangedVerdict, std::vector<std::string>>> changes_;
};

}  // namespace

std::map<std::string, std::vector<ChangedVerdict>> verdicts_without(
    const RunContext& context, const Servers& servers, const std::set<std::string>& names) {
    return Comparison(context, servers, names).run();
}

}  // namespace dsfailover
