#include "coordinator/failover/old_process.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "coordinator/marks/fence.h"

namespace dsfailover {

namespace {

OldProcess read_answers(const ServerAnswers& said) {
    if (said.peer.empty()) return OldProcess::nothing;
    const auto said_any = [&](Answer answer) {
        return std::find(said.answers.begin(), said.answers.end(), answer) != said.answers.end();
    };
    if (said_any(Answer::yes)) return OldProcess::holds;
    return said_any(Answer::no) ? OldProcess::answers : OldProcess::silent;
}

std::vector<OldProcess> ask(const RunContext& context, std::span<const Inquiry> inquiries,
                            Millis timeout) {
    std::vector<OldProcess> found;
    for (const ServerAnswers& said :
         context.servers->ask(Question::holds_workflow, inquiries, timeout))
        found.push_back(read_answers(said));
    return found;
}

void warn(const RunContext& context, const std::string& address, OldProcess found) {
    if (found == OldProcess::answers) {
        context.warn(
            fmt::format("{} is in no registry, but answers, and holds none of the workflows whose "
                        "host it is: a master that is starting, or one of another cluster.",
                        address));
    } else if (found == OldProcess::silent) {
        context.warn(
            fmt::format("{} accepts connections and does not answer: if that is the old process, "
                        "hung, it goes on with its workflows when it wakes up. End it on its "
                        "machine.",
                        address));
    }
}

std::string refusal(const MasterTarget& target, const FailoverOptions& options, bool dry_run) {
    const std::string lives = fmt::format(
        "The old process at {} is not in the registry, but still runs its workflows: it answers, "
        "and holds some of them.",
        target.address);
    if (!target.process)
        return lives +
               " Nothing was failed over. End it on its machine, or name it to failover-master "
               "with --startup-time and --process-id, so that it gets its mark and stops itself.";
    if (dry_run) return lives + " Its mark would be written first, to make it stop itself.";
    return fmt::format(
        "{} It did not obey its mark within {}; nothing was failed over. End it on "
        "its machine, then run the command again.",
        lives, format_duration(options.fence_timeout));
}

}  // namespace

bool ask_old_processes(const RunContext& context, const FailoverOptions& options,
                       const FirstLook& look, std::span<const SelectedMaster> selected) {
    if (!look.inquiry) return false;
    std::vector<MasterTarget*> asked;
    std::vector<Inquiry> inquiries;
    for (const auto& [target, found] : selected) {
        // In a dry run of --fence the server that would be stopped lives still.
        if (target->lives || look.inquiry->is_left_out(target->address)) continue;
        asked.push_back(target);
        inquiries.push_back({target->address, found->some_ids});
    }
    if (asked.empty()) return false;
    const std::vector<OldProcess> found = ask(context, inquiries, options.ask.timeout);
    bool any_stopped = false;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        MasterTarget& target = *asked[i];
        target.section().old_process = found[i];
        warn(context, target.address, found[i]);
        if (found[i] != OldProcess::holds) continue;
        stop_on_error(context, target, [&] {
            if (target.process && !options.dry_run) {
                const auto stopped = [&] {
                    return ask(context, {&inquiries[i], 1}, options.ask.timeout).front() !=
                           OldProcess::holds;
                };
                FenceInfo& fence = target.section().fence.emplace();
                fence_until(context.registry, context.audit, target.address, *target.process,
                            options.fence_timeout, stopped, fence);
                any_stopped = any_stopped || fence.stopped;
                if (fence.stopped) return;
            }
            throw RefusedError(refusal(target, options, options.dry_run));
        });
    }
    return any_stopped;
}

}  // namespace dsfailover
