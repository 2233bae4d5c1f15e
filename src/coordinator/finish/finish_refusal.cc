#include "coordinator/finish/finish_refusal.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "coordinator/report_names.h"

namespace dsfailover {

namespace {

// "70 on 127.0.1.11:1234, 71 on ...", of those that answered or of those that did not.
std::string on_workers(std::span<const LivingTask> tasks, bool alive) {
    std::vector<std::string> texts;
    for (const LivingTask& task : tasks)
        if (task.alive == alive) texts.push_back(fmt::format("{} on {}", task.id, task.worker));
    return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace

std::string describe_refusal(SkipReason reason, const RefusalDetails& details) {
    switch (reason) {
        case SkipReason::held:
            return fmt::format(
                "{0} holds it. Stop it in the user interface; if nothing of it moves any more only "
                "a restart or --fence of {0} ends that, and fails over its other workflows as well",
                details.holder);
        case SkipReason::active:
            return fmt::format(
                "something of it moved within the last {}, and not every living master said that "
                "it does not hold it ({}). Run the command again when each does, or when nothing "
                "has moved for that long (--idle)",
                format_duration(details.idle), details.problems);
        case SkipReason::duplicate_tasks:
            return "two valid rows (flag 1) in t_ds_task_instance have one task name, with which "
                   "it cannot be recovered. Set flag to 0 in the one that must not count";
        case SkipReason::child_unfinished:
            return fmt::format("it has unfinished children: {}. Finish those first",
                               some_ids(details.unfinished_children));
        case SkipReason::parent_unfinished:
            return fmt::format(
                "its parent {} is unfinished, and would hang for ever once a child of it is "
                "stopped. Give --as failure",
                some_ids(details.unfinished_parents));
        case SkipReason::task_alive:
            return fmt::format(
                "tasks of it are alive ({}). Kill them there first, or finish it and leave them to "
                "themselves (--tasks)",
                on_workers(details.tasks, true));
        case SkipReason::task_unanswered:
            return fmt::format(
                "whether tasks of it are alive is not known ({}). Run the command again when their "
                "workers answer, or finish it and leave them to themselves (--tasks)",
                on_workers(details.tasks, false));
        default:
            return std::string(to_string(reason));
    }
}

}  // namespace dsfailover
