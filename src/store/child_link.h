#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace dsfailover {

/// Whether a task of this task_type stands for a child workflow. It runs in the master.
bool is_sub_workflow_type(std::string_view task_type);

/// The child workflow instance that such a task has started, from its app_link
/// ({"subWorkflowInstanceId":12}); nullopt if that names none. Never throws.
std::optional<std::int64_t> child_of_app_link(std::string_view app_link);

}  // namespace dsfailover
