#include "coordinator/failover/recovery_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "base/interruption.h"
#include "base/log.h"
#include "base/option_defaults.h"
#include "base/plural.h"
#include "base/polling.h"
#include "base/terminal_text.h"
#include "coordinator/asking/asked_in_report.h"
#include "coordinator/rehost/rehosting.h"
#include "coordinator/retried_transaction.h"
#include "coordinator/run_claim.h"
#include "store/command_store.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

constexpr std::size_t kProblemsShown = 10;
constexpr Millis kProgressEvery{10'000};
using option_defaults::kUnclaimedAfter;

// A master holds what it takes some milliseconds later.
constexpr Millis kLostAfter = std::chrono::seconds(30);

/// The watch under way.
class Watch {
  public:
    Watch(const RunContext& context, const FollowedRecoveries& followed, WorkflowInquiry* inquiry,
          bool rehosts, RecoveryInfo& counts)
        : context_(context),
          inquiry_(inquiry),
          rehosts_(rehosts && context.schema.recovery_leaves_host()),
          counts_(counts) {
        for (const FailedOver& failed_over : followed.waiting)
            workflows_.emplace(failed_over.command_id, failed_over.id);
        count();
        note_taken(followed.taken);
    }

    std::vector<std::string> run(EpochMs until) {
        Polling polling{until, Millis(1000), kProgressEvery};
        const auto look = [&] {
            try {
                look_once();
            } catch (const RegistryError& error) {
                // One that is away for a moment is asked again.
                if (error.kind() != RegistryError::Kind::unreachable) throw;
                log_warn("{}; asking again", error.what());
            }
            // Many commands make a long question; ask it less often.
            polling.step = Millis(workflows_.size() + unproven_.size() > 5000 ? 3000 : 1000);
            return workflows_.empty() && unproven_.empty();
        };
        poll(polling, look, [&](std::int64_t) {
            log_info(
                "{} recovered, {} errored, {} waiting for a master, {} that no master is seen to "
                "hold yet",
                counts_.recovered, counts_.errored, counted(std::ssize(workflows_), "command"),
                counted(std::ssize(unproven_), "workflow"));
        });
        return std::move(problems_);
    }

  private:
    // Whatever ends the look, the counts are true.
    void look_once() try {
        look_at_commands();
        look_at_workflows();
        rehost();
        count();
    } catch (...) {
        count();
        throw;
    }

    void count() {
        counts_.unseen = std::ssize(unproven_);
        counts_.pending = std::ssize(workflows_) + counts_.unseen;
    }

    void look_at_commands() {
        CommandStore commands(context_.store());
        std::vector<std::int64_t> pending;
        for (const auto& [command, workflow] : workflows_) pending.push_back(command);
        std::vector<std::int64_t> waiting =
            read_patiently(context_.database, [&] { return commands.still_waiting(pending); });
        std::sort(waiting.begin(), waiting.end());
        std::vector<std::int64_t> taken;
        std::set_difference(pending.begin(), pending.end(), waiting.begin(), waiting.end(),
                            std::back_inserter(taken));
        for (const ErrorCommand& command :
             read_patiently(context_.database, [&] { return commands.failed(taken); })) {
            workflows_.erase(command.id);
            ++counts_.errored;
            if (problems_.size() < kProblemsShown)
                problems_.push_back(fmt::format("Command {} for workflow instance {} failed: {}",
                                                command.id, command.workflow_instance_id,
                                                first_line(command.message)));
        }
        std::vector<std::int64_t> workflows;
        for (const std::int64_t command : taken) {
            const auto entry = workflows_.find(command);
            if (entry == workflows_.end()) continue;
            workflows.push_back(entry->second);
            workflows_.erase(entry);
        }
        note_taken(workflows);
    }

    void note_taken(const std::vector<std::int64_t>& workflows) {
        for (const std::int64_t id : workflows) unproven_.emplace(id, now_ms());
    }

    void look_at_workflows() {
        if (unproven_.empty()) return;
        std::vector<std::int64_t> ids;
        for (const auto& [id, since] : unproven_) ids.push_back(id);
        const auto rows = read_patiently(context_.database, [&] {
            return WorkflowInstanceStore(context_.store()).by_ids(ids, false);
        });
        ids.clear();
        for (const WorkflowInstance& row : rows) {
            if (is_unfinished(row.state)) ids.push_back(row.id);
        }
        // The others are finished, or gone.
        std::erase_if(unproven_, [&](const auto& unproven) {
            const bool over = !std::binary_search(ids.begin(), ids.end(), unproven.first);
            counts_.recovered += over ? 1 : 0;
            return over;
        });
        if (ids.empty()) return;
        if (!inquiry_) {
            for (const std::int64_t id : ids) conclude(id, MasterAnswer::unanswered);
            return;
        }
        const std::vector<MastersSaid> said = inquiry_->ask_once(ids);
        for (std::size_t i = 0; i < ids.size(); ++i) conclude(ids[i], said[i].answer);
        if (rehosts_) note_misplaced(rows, ids, said);
    }

    void note_misplaced(const std::vector<WorkflowInstance>& rows,
                        const std::vector<std::int64_t>& ids,
                        const std::vector<MastersSaid>& said) {
        for (const WorkflowInstance& row : rows) {
            const auto place = std::lower_bound(ids.begin(), ids.end(), row.id);
            if (place == ids.end() || *place != row.id) continue;
            const MastersSaid& answer = said[static_cast<std::size_t>(place - ids.begin())];
            if (answer.answer == MasterAnswer::held && answer.complete &&
                row.host != answer.held_by)
                misplaced_.push_back({row, answer.held_by});
        }
    }

    // Another run that is at work there, and a row that changed, are left: rehost does it later.
    void rehost() {
        if (misplaced_.empty()) return;
        std::set<std::string> hosts;
        for (const MisplacedInstance& misplaced : misplaced_)
            hosts.insert({misplaced.row.host.value_or(""), misplaced.holder});
        try {
            RunClaims claims = take_run_claims(context_, hosts, Millis(0), [] {});
            put_waiting_first(context_, misplaced_);
            Rehosting rehosting(context_, [&] { claims.require_held(); });
            const auto results = rehosting.write(misplaced_, read_servers(context_.registry, true));
            counts_.rehosted += std::count_if(
                results.begin(), results.end(),
                [](const auto& result) { return result.kind == RehostResult::Kind::rehosted; });
            misplaced_.clear();
        } catch (const LockError& error) {
            log_info("rehosting later: {}", error.what());
        }
    }

    void conclude(std::int64_t id, MasterAnswer answer) {
        if (answer == MasterAnswer::not_held) {
            if (now_ms() - unproven_.at(id) < kLostAfter.count()) return;
            ++counts_.lost;
            if (problems_.size() < kProblemsShown)
                problems_.push_back(fmt::format(
                    "A master took the command of workflow instance {}, and no living master holds "
                    "it since: it is lost. See explain {}.",
                    id, id));
        } else {
            ++counts_.recovered;
            counts_.unproven += answer == MasterAnswer::unanswered ? 1 : 0;
        }
        unproven_.erase(id);
    }

    const RunContext& context_;
    WorkflowInquiry* const inquiry_;
    const bool rehosts_;
    RecoveryInfo& counts_;
    std::map<std::int64_t, std::int64_t> workflows_;  // by the command that waits
    std::map<std::int64_t, EpochMs> unproven_;        // workflows, by when it was seen taken
    std::vector<MisplacedInstance> misplaced_;        // recovered, and not rehosted yet
    std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> watch_recovery(const RunContext& context,
                                        const FollowedRecoveries& followed, EpochMs until,
                                        WorkflowInquiry* inquiry, bool rehosts,
                                        RecoveryInfo& counts) {
    return Watch(context, followed, inquiry, rehosts, counts).run(until);
}

std::string_view way_on_for_untaken(std::optional<Millis> waited) {
    if (!waited) {
        return "Look in status whether masters are BUSY, which passes by itself, and into the logs "
               "of those that are NORMAL.";
    }
    if (*waited < kUnclaimedAfter) {
        return "Look at status again; if masters live and commands older than two minutes stay, "
               "use requeue (on JDBC and etcd masters share commands out to masters that are "
               "gone).";
    }
    return "If status shows a master that lives and is NORMAL, use requeue now (on JDBC and etcd "
           "masters share commands out to masters that are gone).";
}

void report_recovery(const RunContext& context, const RecoveryInfo& counts,
                     const std::vector<std::string>& problems, std::optional<Millis> waited,
                     std::string_view host) {
    for (const std::string& problem : problems) context.fail(ExitCode::needs_person, problem);
    if (counts.errored > 0) {
        context.fail(ExitCode::needs_person,
                     counted(counts.errored,
                             "workflow stays in state FAILOVER because its command failed: see the "
                             "cause in the report of status, remove it, then use requeue.",
                             "workflows stay in state FAILOVER because their command failed: see "
                             "the causes in the report of status, remove them, then use requeue."));
    }
    if (counts.unproven > 0 && context.servers != nullptr)
        context.warn(fmt::format(
            "{} is not known, since not every living master answered: {}.",
            counted(counts.unproven, "workflow was taken by a master; which one holds it",
                    "workflows were taken by a master; which one holds them"),
            why_unanswered(context.report)));
    const std::string whose = host.empty() ? "" : fmt::format(" for workflows of {}", host);
    if (const std::int64_t untaken = counts.pending - counts.unseen; untaken > 0)
        context.fail(
            ExitCode::needs_person,
            fmt::format("{}{} {} not taken by a master in time. {}", counted(untaken, "command"),
                        whose, untaken == 1 ? "was" : "were", way_on_for_untaken(waited)));
    if (counts.unseen > 0)
        context.fail(ExitCode::needs_person,
                     fmt::format("{}{} {} taken by a master, and no living master is seen to hold "
                                 "{} yet: look again with explain.",
                                 counted(counts.unseen, "command"), whose,
                                 counts.unseen == 1 ? "was" : "were",
                                 counts.unseen == 1 ? "its workflow" : "their workflows"));
}

}  // namespace dsfailover
