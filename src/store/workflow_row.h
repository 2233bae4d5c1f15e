#pragma once

#include <string>
#include <string_view>

#include "store/schema.h"
#include "store/workflow_instance.h"

namespace dsfailover {

// Rows of t_ds_workflow_instance, for what reads them and what compares them again.

/// The cell of `host` in a row of select_instances(); that of `id` is the first.
inline constexpr std::size_t kHostCell = 1;
inline constexpr std::size_t kBehindInstance = 8;

/// "SELECT id, host, state, start_time, restart_time, command_type, is_sub_workflow FROM
/// t_ds_workflow_instance", with the row's version behind these, and behind that `more`, such as
/// ", command_param", whose first cell is kBehindInstance.
std::string select_instances(const StoreContext& context, std::string_view more = "");

/// Makes `instance` what a row of select_instances() says. Throws EnvironmentError naming the row
/// if it holds what cannot be read.
void read_instance(const Row& row, const StoreContext& context, WorkflowInstance& instance);

/// Whether a row of these columns is still what `read` says, null-safe and to the last digit; its
/// version, too. Throws DatabaseError(other) if a number in it is none.
bool is_as_read(const Row& row, const WorkflowInstance& read);

}  // namespace dsfailover
