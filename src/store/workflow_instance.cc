#include "store/workflow_instance.h"

namespace dsfailover {

bool is_as_read(const WorkflowInstance& row, const WorkflowInstance& read) {
    const auto same = [](const std::optional<StoredTime>& a, const std::optional<StoredTime>& b) {
        return a.has_value() == b.has_value() && (!a || a->text == b->text);
    };
    return row.state == read.state && row.host == read.host &&
           same(row.start_time, read.start_time) && same(row.restart_time, read.restart_time) &&
           row.command_type == read.command_type && row.version == read.version;
}

std::vector<std::int64_t> ids_of(std::span<const WorkflowInstance> instances) {
    std::vector<std::int64_t> ids;
    ids.reserve(instances.size());
    for (const WorkflowInstance& instance : instances) ids.push_back(instance.id);
    return ids;
}

}  // namespace dsfailover
