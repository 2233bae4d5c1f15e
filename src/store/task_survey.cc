#include "store/task_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "database/batches.h"
#include "database/sql_dialect.h"
#include "store/read_by_ids.h"
#include "store/stored_row.h"

namespace dsfailover {

namespace {

constexpr std::string_view kTable = "t_ds_task_instance";

SurveyedTask read_task(const Row& row, const StoreContext& context) {
    const StoredRow stored(row, kTable, context);
    SurveyedTask task;
    task.id = stored.id();
    task.workflow_instance_id = stored.required(1, "workflow_instance_id");
    task.state = stored.optional_small(2, "state").value_or(-1);
    task.valid = stored.optional_small(3, "flag") == 1;
    task.host = row.optional_text(4);
    task.type = row.text(5);
    task.worker_group = row.optional_text(6);
    task.in_task_group = stored.optional_small(7, "task_group_id").value_or(0) > 0;
    const auto note = [&](std::size_t cell, std::string_view column) -> std::optional<EpochMs> {
        const auto time = stored.time(cell, column);
        if (!time) return std::nullopt;
        task.latest = std::max(task.latest.value_or(INT64_MIN), time->epoch_ms());
        return time->epoch_ms();
    };
    task.submit_time = note(8, "submit_time");
    note(9, "start_time");
    note(10, "end_time");
    return task;
}

}  // namespace

void survey_tasks(const StoreContext& context, std::span<const std::int64_t> workflow_ids,
                  const std::function<void(const SurveyedTask&)>& task) {
    for_batches(workflow_ids, kIdsPerQuery, [&](std::span<const std::int64_t> batch) {
        std::vector<Value> parameters;
        const std::string sql = fmt::format(
            "SELECT id, workflow_instance_id, state, flag, host, task_type, worker_group, "
            "task_group_id, submit_time, start_time, end_time FROM t_ds_task_instance WHERE {}",
            context.database.dialect().in_list("workflow_instance_id", batch, parameters));
        context.database.stream(sql, parameters,
                                [&](const Row& row) { task(read_task(row, context)); });
    });
}

std::vector<std::int64_t> not_in_task_group_queue(const StoreContext& context,
                                                  std::span<const std::int64_t> task_ids) {
    std::unordered_set<std::int64_t> queued;
    read_by_ids(context, task_ids, "task_id", 0, "SELECT task_id FROM t_ds_task_group_queue", "",
                [&](const Row& row) { queued.insert(row.integer(0)); });
    std::vector<std::int64_t> lost;
    std::copy_if(task_ids.begin(), task_ids.end(), std::back_inserter(lost),
                 [&](std::int64_t id) { return !queued.contains(id); });
    return lost;
}

std::vector<WorkerGroup> worker_groups(const StoreContext& context) {
    std::vector<WorkerGroup> groups;
    const Rows rows = context.database.query("SELECT name, addr_list FROM t_ds_worker_group");
    for (std::size_t i = 0; i < rows.size(); ++i) {
        WorkerGroup group{std::string(rows[i].text(0)), {}};
        std::string_view list = rows[i].text(1);
        while (!list.empty()) {
            const auto end = std::min(list.find(','), list.size());
            if (end > 0) group.addresses.emplace_back(list.substr(0, end));
            list.remove_prefix(std::min(end + 1, list.size()));
        }
        groups.push_back(std::move(group));
    }
    return groups;
}

}  // namespace dsfailover
