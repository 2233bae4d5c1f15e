#include "coordinator/status/mark_view.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/option_defaults.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/marks/fence.h"
#include "registry/paths.h"

namespace dsfailover {

namespace {

void note_fence(const std::string& mark, const std::optional<MarkName>& name,
                const Servers& servers, EpochMs now, StatusSection& status, StatusFindings& found) {
    FenceNote note{mark, std::nullopt, std::nullopt, name && lives_at(*name, servers)};
    if (name) note.address = name->address;
    if (name && name->process) note.age_ms = now - name->process->startup_time;
    if (note.alive) ++status.totals.fences_of_living;
    status.fences.add(std::move(note));
    if (name && is_fence_kept(*name, servers, now)) return;
    ++status.expired_marks;
    ++found.cleanable_marks;
}

}  // namespace

// clean-marks keeps the newest mark of an address with unfinished workflows.
void read_mark_view(const RunContext& context, const Servers& servers,
                    const UnfinishedWorkflows& workflows, StatusSection& status,
                    StatusFindings& found) {
    const EpochMs now = now_ms();
    std::vector<std::pair<std::string, EpochMs>> expired;
    std::map<std::string, EpochMs> newest;
    context.registry.read_children(std::string(paths::kMarks), [&](const NodeRead& child) {
        if (!child.node && child.problem.empty()) return;  // gone
        ++status.marks;
        const auto value = child.node ? parse_mark_value(child.node->value) : std::nullopt;
        const auto name = parse_mark_name(child.name);
        if (!value) {
            ++status.unreadable_marks;
            return;
        }
        const std::string address = name ? name->address : "";
        if (*value == kFenceValue) return note_fence(child.name, name, servers, now, status, found);
        EpochMs& latest = newest[address];
        latest = std::max(latest, *value);
        if (now - *value > option_defaults::kOlderThan.count())
            expired.emplace_back(address, *value);
    });
    status.expired_marks += std::ssize(expired);
    found.cleanable_marks += std::count_if(expired.begin(), expired.end(), [&](const auto& mark) {
        return !workflows.is_host(mark.first) || newest[mark.first] != mark.second;
    });
}

}  // namespace dsfailover
