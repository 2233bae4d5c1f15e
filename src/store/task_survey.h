#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "store/schema.h"

namespace dsfailover {

/// A task of an unfinished workflow, as far as a look at the whole cluster needs it.
struct SurveyedTask {
    std::int64_t id = 0;
    std::int64_t workflow_instance_id = 0;
    int state = 0;
    bool valid = false;  ///< flag 1: no other row took its place
    std::optional<std::string> host;
    std::string type;  ///< task_type: "SHELL"
    std::optional<std::string> worker_group;
    bool in_task_group = false;
    std::optional<EpochMs> submit_time;
    std::optional<EpochMs> latest;  ///< of submit_time, start_time and end_time
};

/// Every task of these workflow instances, of any number, finished or not, in no particular order,
/// by the index of t_ds_task_instance on them: what it costs does not depend on the tasks of
/// finished workflows. Streamed in bounded memory; not inside a transaction. Throws
/// EnvironmentError naming the row if it holds what cannot be read.
void survey_tasks(const StoreContext& context, std::span<const std::int64_t> workflow_ids,
                  const std::function<void(const SurveyedTask&)>& task);

/// Those of `task_ids` that do not stand in t_ds_task_group_queue, which the schema must have.
std::vector<std::int64_t> not_in_task_group_queue(const StoreContext& context,
                                                  std::span<const std::int64_t> task_ids);

/// The worker groups made in the user interface, with the addresses of their workers, from
/// t_ds_worker_group, which the schema must have.
struct WorkerGroup {
    std::string name;
    std::vector<std::string> addresses;
};
std::vector<WorkerGroup> worker_groups(const StoreContext& context);

}  // namespace dsfailover
