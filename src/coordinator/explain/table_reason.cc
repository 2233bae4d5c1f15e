#include "coordinator/explain/table_reason.h"

#include <fmt/format.h>

#include <stdexcept>

namespace dsfailover {

namespace {

// What became of one that was handed over to some master, as far as its tasks tell.
std::string since_then(const KnownWorkflow& known) {
    switch (known.judgement->verdict) {
        case Verdict::running_elsewhere:
            return ", and a task of it moved since";
        case Verdict::settling:
            return ", and no task of it has moved since, which may take four minutes";
        case Verdict::in_doubt:
            return ", and nothing shows that a master which still lives runs it";
        default:
            return "";
    }
}

// Rows 14 and 15: why another master may have it.
std::string handed_over(const KnownWorkflow& known) {
    const WorkflowInstance& row = known.row;
    if (at_or_before_newest_mark(row, known.facts))
        return fmt::format("a mark of {}, {}, is not older than its last start: it was failed over",
                           known.host(), format_rfc3339(*known.facts.newest_mark));
    if (resumed_by_hand(row))
        return fmt::format("a person resumed it (command_type {}), on whatever master",
                           *row.command_type);
    return fmt::format("a mark of {}, or its stamps, cannot be read", known.host());
}

std::string by_tasks(const KnownWorkflow& known) {
    const auto& latest = known.evidence.activity.latest;
    if (latest && latest->instants.latest_us >= known.facts.deadline * 1000)
        return fmt::format("its host {} was restarted, and a task of it moved since", known.host());
    return fmt::format("its host {} was restarted, and no task shows that it is of the time before",
                       known.host());
}

std::string of_living_host(const KnownWorkflow& known) {
    return fmt::format("it started before the master that lives at {} now ({})", known.host(),
                       format_rfc3339(known.facts.deadline));
}

std::string of_stamp(const KnownWorkflow& known) {
    const StampFacts* const stamp = carried_stamp(known.row, known.facts);
    return fmt::format("dsfailover failed it over at {}",
                       stamp ? format_rfc3339(stamp->value) : "another time") +
           since_then(known);
}

}  // namespace

std::string table_reason(const KnownWorkflow& known) {
    switch (known.judgement->row) {
        case 1:
            return known.has_host() ? fmt::format("its host {} is not HOST:PORT", known.host())
                                    : "it has no host";
        case 2:
        case 9:
        case 10:
            return of_stamp(known);
        case 3:
            return fmt::format("it started under the master that lives at its host, {}",
                               known.host());
        case 4:
            return "";
        case 5:
            return "a command for it waits in t_ds_command";
        case 6:
            return "it was in state FAILOVER, or had a command, when this run began";
        case 7:
            return "a task of it moved while this run looked at it";
        case 8:
            return "dsfailover failed it over, with timestamps in another time zone";
        case 11:
            return fmt::format(
                "its host {} is gone, and its start lies ahead: a clock or the time "
                "zone is wrong",
                known.host());
        case 12:
            return "it has neither start_time nor restart_time";
        case 13:
            return by_tasks(known);
        case 14:
            if (!maybe_run_by_another(known.row, known.facts)) return of_living_host(known);
            return handed_over(known) + since_then(known);
        case 15:
            return handed_over(known) + since_then(known);
        case 16:
            return fmt::format("its host {} is gone, and nothing shows that another master took it",
                               known.host());
        default:
            throw std::logic_error(fmt::format("the table has no row {}", known.judgement->row));
    }
}

std::string said_of(const KnownWorkflow& known, const ExplainedCluster& cluster) {
    switch (known.said.answer) {
        case MasterAnswer::held:
        case MasterAnswer::held_by_two:
            return "it is held by " + known.said.held_by;
        case MasterAnswer::held_idle:
            return fmt::format("it is held by {}, and nothing of it moves", known.said.held_by);
        case MasterAnswer::not_held:
            return "no living master holds it";
        case MasterAnswer::unanswered:
            return fmt::format("not every living master said whether it holds it ({})",
                               cluster.unanswered);
        case MasterAnswer::not_asked:
            break;
    }
    return "the masters were not asked";
}

}  // namespace dsfailover
