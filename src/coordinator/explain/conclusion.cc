#include "coordinator/explain/conclusion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>

#include "coordinator/explain/table_reason.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

using namespace workflow_state;

using option_defaults::kUnclaimedAfter;

constexpr const char* kWait = "Look again in some minutes.";

std::string sentence(std::string text) {
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] -= 'a' - 'A';
    return text + '.';
}

/// Draws the conclusion of one workflow.
class Conclusion {
  public:
    Conclusion(const KnownWorkflow& known, const ExplainedCluster& cluster, ExplainedWorkflow& item)
        : known_(known), cluster_(cluster), item_(item) {}

    void draw() {
        item_.why = sentence(said_of(known_, cluster_));
        if (known_.judgement)
            by_table();
        else if (is_unfinished(known_.row.state))
            changing();
        else if (known_.row.state == kFailover)
            in_failover();
        else if (known_.row.state == kSubmitted)
            submitted();
        else
            no_work_of_a_master();
    }

  private:
    void by_table() {
        const Judgement& judgement = *known_.judgement;
        const Verdict verdict = known_.family ? known_.family->verdict : judgement.verdict;
        item_.verdict = verdict == Verdict::selected ? "selected"
                                                     : std::string(to_string(skip_reason(verdict)));
        item_.row = judgement.row;
        if (const std::string reason = table_reason(known_); !reason.empty())
            item_.why = sentence(fmt::format("{}; {}", reason, said_of(known_, cluster_)));
        if (known_.is_held()) return held();
        switch (verdict) {
            case Verdict::selected:
                return selected();
            case Verdict::child_running:
                return say(fmt::format("No master runs it, but its child {} may be running.",
                                       known_.family->other),
                           "",
                           "A person resumed it: its recovery would send the child a second "
                           "command. Fail it over when the child has ended, or stop the child "
                           "first.");
            case Verdict::by_parent:
                return say(fmt::format("Its parent {} gives it its command.", known_.family->other),
                           "", "A person resumed the parent: its recovery goes on with this one.");
            case Verdict::ownerless:
                return ownerless();
            case Verdict::odd_host:
                return say("No failover finds it, since its host is not an address.", "",
                           "Correct its host in t_ds_workflow_instance: HOST:PORT of the master "
                           "that ran it.");
            case Verdict::started_after_deadline:
                return at_living_host();
            case Verdict::running_elsewhere:
                return say("Another master seems to run it.", "",
                           judgement.row == 6 || judgement.row == 7
                               ? again("a master took it a moment ago")
                               : let_it_run());
            case Verdict::command_pending:
                return known_.commands.empty() ? changing() : waits();
            case Verdict::settling:
                return settling();
            case Verdict::in_doubt:
                return in_doubt();
            case Verdict::done_before:
                return say("It was failed over before: some master has it, as far as is known.", "",
                           ask_masters());
            case Verdict::no_start_time:
                return nobody_tells();
            case Verdict::impossible_start:
                return say("Nothing can be told while its times are impossible.", "",
                           "Check the clocks, and --time-zone.");
            case Verdict::held_idle:   // it is held
            case Verdict::own_work:    // explain does none
            case Verdict::unanswered:  // of failover-workflow alone
                return;
        }
    }

    // Whatever the row: where a master answers that it holds it there is nothing to fail over.
    void held() {
        const std::string& holder = known_.said.held_by;
        if (known_.said.answer == MasterAnswer::held_by_two)
            return say(fmt::format("{} hold it: one of them stands still.", holder), "",
                       "Their logs tell which. Only a restart of that one ends it, and fails over "
                       "its other workflows as well.");
        if (known_.said.answer == MasterAnswer::held_idle)
            return say(fmt::format("{} holds it and nothing moves.", holder),
                       fmt::format("dsfailover failover-master {} --fence", holder),
                       "Only a restart or --fence of that master ends this, and fails over its "
                       "other workflows as well.");
        const std::string runs = fmt::format("It runs: {} holds it.", holder);
        if (holder == known_.row.host) return say(runs, "", "There is nothing to do.");
        say(runs, is_misplaced() ? fmt::format("dsfailover rehost {}", known_.row.id) : "",
            fmt::format("It needs no failover. But stop and pause of the user interface go to its "
                        "host ({}) and do not reach it.",
                        known_.has_host() ? known_.host() : "it has none"));
    }

    // Later releases set the host themselves, a moment after the master has it.
    bool is_misplaced() const {
        return known_.judgement && known_.has_host() && known_.facts.recovery_leaves_host;
    }

    void selected() {
        const bool sure = known_.said.answer == MasterAnswer::not_held;
        const std::string nobody = sure ? "No master runs it" : "Nobody seems to run it";
        if (!known_.facts.lives)
            return say(fmt::format("{}: its master {} is gone.", nobody, known_.host()),
                       fmt::format("dsfailover failover-master {}", known_.host()),
                       failing_over("It fails over what that master left, this one included."));
        say(fmt::format("{}: {} was restarted since.", nobody, known_.host()),
            sure ? failover_of_it_alone() : "dsfailover global",
            failing_over(
                sure ? "It fails this one over alone."
                     : "It fails over what the process before left there, this one included."));
    }

    void ownerless() {
        if (!known_.commands.empty()) return waits();
        say(known_.said.answer == MasterAnswer::not_held ? "No master runs it, and it has no host."
                                                         : "It has no host.",
            failover_of_it_alone(), failing_over("It gives it a host, and fails it over."));
    }

    void at_living_host() {
        if (known_.said.answer == MasterAnswer::not_held)
            return say(fmt::format("No master runs it, although its host {} lives.", known_.host()),
                       failover_of_it_alone(), failing_over("It fails this one over alone."));
        say(fmt::format("{}, which lives, should be running it.", known_.host()), "",
            ask_masters());
    }

    void nobody_tells() {
        if (known_.said.answer == MasterAnswer::not_held)
            return say("No master runs it.", failover_of_it_alone(),
                       failing_over("It fails this one over alone."));
        say(fmt::format("Nothing tells whether the master at {} has it, or the one before.",
                        known_.host()),
            "", ask_masters());
    }

    void settling() {
        const StampFacts* const stamp = carried_stamp(known_.row, known_.facts);
        const EpochMs since = stamp ? stamp->value : known_.facts.newest_mark.value_or(0);
        say("It was handed over to a master moments ago.", again_command(),
            fmt::format("Not before {}: until then nothing can be told.",
                        format_rfc3339(since + kSettlingMs)));
    }

    void in_doubt() {
        if (known_.said.answer == MasterAnswer::not_held)
            return say("Something that is not in the registry may be running it.", "",
                       again("look for masters that run and are not registered"));
        const std::string command =
            known_.facts.lives ? "global" : fmt::format("failover-master {}", known_.host());
        say("It is in doubt: another master may be running it.", "",
            fmt::format("{} Only if nobody works on it: dsfailover {} --in-doubt {}.",
                        ask_masters(), command, known_.row.id));
    }

    void in_failover() {
        if (!known_.commands.empty()) return waits();
        if (known_.is_held()) {
            item_.verdict = "running_elsewhere";
            return say(
                fmt::format("{} holds it, although its state is FAILOVER.", known_.said.held_by),
                "", again("a second command would make it hang"));
        }
        item_.verdict = "stuck";
        item_.why = sentence(
            "its state is FAILOVER and no command for it waits: "
            "no master will ever take it up");
        if (known_.duplicate_tasks)
            return say("It is stuck, and recovery would fail again.", "",
                       fmt::format("Two valid rows (flag 1) in t_ds_task_instance have one task "
                                   "name. Set flag to 0 in the one that must not count, then: "
                                   "dsfailover requeue {}.",
                                   known_.row.id));
        if (known_.unreadable_command_param) return unreadable();
        if (!known_.fails_again.empty()) return fails_again();
        say("It is stuck: its command is lost.", requeue(),
            beside(item_.failed_commands.kept().empty()
                       ? "It gives it a command again."
                       : "It gives it a command again. Remove the cause of the failed one first, "
                         "or it fails again."));
    }

    void unreadable() {
        say("It is stuck, and every recovery of it fails.",
            fmt::format("dsfailover finish {} --as failure", known_.row.id),
            "The command_param of its row in t_ds_workflow_instance has no commandType, as that of "
            "a workflow upgraded from 2.x. End it, and start its workflow anew.");
    }

    void fails_again() {
        say("It is stuck, and recovery would fail again.", "",
            fmt::format("Its commands failed twice for one cause: {}. Remove it, then: {}.",
                        known_.fails_again, requeue()));
    }

    void submitted() {
        if (!known_.commands.empty()) return waits();
        if (known_.is_held()) {
            item_.verdict = "running_elsewhere";
            return held();
        }
        if (known_.said.answer != MasterAnswer::not_held) {
            item_.verdict = "in_doubt";
            return say("It is lost, unless a master holds it: no command for it waits.", "",
                       ask_masters());
        }
        item_.verdict = "lost";
        item_.why = sentence(
            "its state is SUBMITTED_SUCCESS, no command for it waits, and no "
            "living master holds it");
        say("It is lost: no master will ever start it.",
            fmt::format("dsfailover finish {} --as {}", known_.row.id,
                        known_.unfinished_parent ? "failure" : "stop"),
            known_.unfinished_parent ? "Its parent then goes on as after any failure."
                                     : "Then it can be run again from the user interface.");
    }

    void no_work_of_a_master() {
        if (!known_.commands.empty()) return waits();
        const int state = known_.row.state;
        if (state == kSerialWait) {
            item_.verdict = "serial_wait";
            return say("It waits for another run of its workflow to end.", "", kWait);
        }
        const bool ended =
            state == kPaused || state == kStopped || state == kFailed || state == kSucceeded;
        item_.verdict = ended ? "finished" : "unknown_state";
        if (known_.is_held() && ended)
            return say(
                fmt::format("It has ended ({}).", item_.state), "",
                fmt::format("{} still has it in memory, which passes.", known_.said.held_by));
        item_.why = sentence(fmt::format("its state is {}", item_.state));
        if (ended)
            say(fmt::format("It has ended ({}).", item_.state), "",
                state == kPaused ? "It goes on when somebody resumes it in the user interface."
                                 : "There is nothing to do.");
        else
            say("Nothing is known of its state.", "", "Only masters know what becomes of it.");
    }

    // For a master to take its command, whatever its state.
    void waits() {
        if (known_.commands.size() > 1) return waits_twice();
        const WaitingCommand& command = known_.commands.front();
        const bool old =
            command.update_time && *command.update_time < cluster_.clock - kUnclaimedAfter.count();
        item_.verdict = "command_pending";
        item_.why = sentence(
            fmt::format("command {} (type {}) waits for it{}; {}", command.id, command.command_type,
                        command.update_time ? " since " + format_rfc3339(*command.update_time) : "",
                        place_of(command)));
        if (!cluster_.any_master_lives)
            return say("It waits for a master, and none lives.", "", "Start a master.");
        if (cluster_.normal_masters.empty())
            return say("It waits for a master, and all of them are busy.", "", kWait);
        if (!old) return say("It waits for a master to take its command.", "", kWait);
        if (known_.is_held())
            return say(
                fmt::format("No master takes its command, and {} holds it.", known_.said.held_by),
                "", again("with a second command it would hang"));
        if (known_.unreadable_command_param) return unreadable();
        say("No master takes its command.", requeue(),
            "Under a new id it falls to another place among the masters.");
    }

    void waits_twice() {
        if (!item_.row) item_.verdict = "several_commands";
        std::vector<std::int64_t> ids;
        for (const WaitingCommand& command : known_.commands) ids.push_back(command.id);
        item_.why = sentence(fmt::format("the commands {} wait for it", fmt::join(ids, ", ")));
        say("The master that takes the second of its commands hangs, and it with it.", "",
            "Delete all but one of them from t_ds_command before a master takes them.");
    }

    // Between our own looks at it.
    void changing() {
        if (!item_.row) item_.verdict = "in_doubt";
        say("It changed while it was looked at.", again_command(), "Look once more.");
    }

    // Masters share commands out by id, in an order of the masters that they alone know.
    std::string place_of(const WaitingCommand& command) const {
        const auto& masters = cluster_.normal_masters;
        if (masters.empty()) return "no master that takes commands lives";
        if (masters.size() == 1)
            return fmt::format("{} alone takes commands, unless it still counts one that is gone",
                               masters[0]);
        return fmt::format(
            "by its id (with an id step of 1) it falls to place {} of the {} masters that take "
            "commands ({}), unless they still count one that is gone",
            command.id % std::ssize(masters) + 1, masters.size(), fmt::join(masters, ", "));
    }

    std::string ask_masters() const {
        if (known_.said.answer == MasterAnswer::not_asked)
            return "Ask the masters (explain without --ask none), or look for its id in their "
                   "logs.";
        if (!cluster_.any_master_lives)
            return "No master lives that could be asked: make sure that no process of one does.";
        return "Make the masters answer that did not, or look for its id in their logs.";
    }

    std::string let_it_run() const { return "Let it end. " + ask_masters(); }

    std::string again(std::string_view why) const {
        return fmt::format("Explain it again in a moment: {}.", why);
    }

    std::string again_command() const {
        return fmt::format("dsfailover explain {}", known_.row.id);
    }
    std::string requeue() const { return fmt::format("dsfailover requeue {}", known_.row.id); }
    std::string failover_of_it_alone() const {
        return fmt::format("dsfailover failover-workflow {}", known_.row.id);
    }

    // What a recovery starts a second time.
    std::string beside(std::string text) const {
        if (known_.living_tasks == 1)
            text += " One task still lives on its worker, and will run again beside that.";
        else if (known_.living_tasks > 1)
            text += fmt::format(
                " {} tasks still live on their workers, and will run again beside "
                "these.",
                known_.living_tasks);
        if (!known_.unfinished_children.empty())
            text += fmt::format(" Its child {} has not ended, and will be started a second time.",
                                fmt::join(known_.unfinished_children, ", "));
        return text;
    }

    std::string failing_over(std::string text) const {
        if (item_.lock && item_.lock->leaked)
            text += " The failover lock of its host is suspected leaked.";
        return beside(std::move(text));
    }

    void say(std::string conclusion, std::string next, std::string advice) {
        item_.conclusion = std::move(conclusion);
        if (!next.empty()) item_.next = std::move(next);
        if (!advice.empty()) item_.advice = std::move(advice);
    }

    const KnownWorkflow& known_;
    const ExplainedCluster& cluster_;
    ExplainedWorkflow& item_;
};

}  // namespace

void conclude(const KnownWorkflow& known, const ExplainedCluster& cluster,
              ExplainedWorkflow& item) {
    Conclusion(known, cluster, item).draw();
}

}  // namespace dsfailover
