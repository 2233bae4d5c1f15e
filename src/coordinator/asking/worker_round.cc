#include "coordinator/asking/worker_round.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "registry/living_servers.h"
#include "store/task_type.h"

namespace dsfailover {

namespace {

// Why nobody is asked about the task; empty: its host is asked.
std::string why_not_asked(const RunContext& context, const UnfinishedTask& task,
                          bool at_living_worker) {
    const auto& host = task.task.host;
    if (!host || host->empty()) return "it has no host";
    if (!at_living_worker) return fmt::format("its host {} is not a living worker", *host);
    if (!is_known_batch_type(task.type))
        return fmt::format("no worker is asked about tasks of type {}", task.type);
    if (context.servers == nullptr) return "nobody is asked";
    return "";
}

WorkerAsked worker_asked(const Inquiry& inquiry, const ServerAnswers& said) {
    const auto count = [&](Answer answer) {
        return std::count(said.answers.begin(), said.answers.end(), answer);
    };
    WorkerAsked asked;
    asked.address = inquiry.address;
    asked.questions = std::ssize(inquiry.ids);
    asked.alive = count(Answer::yes);
    asked.unknown_task = count(Answer::no);
    asked.unanswered = count(Answer::unanswered);
    if (!said.peer.empty()) asked.peer = said.peer;
    if (!said.problem.empty()) asked.problem = said.problem;
    return asked;
}

}  // namespace

WorkerRound ask_living_workers(const RunContext& context, std::span<const UnfinishedTask> tasks,
                               Millis timeout) {
    WorkerRound round;
    round.tasks.resize(tasks.size());
    if (tasks.empty()) return round;
    const Servers servers = read_servers(context.registry, true);
    std::map<std::string, std::vector<std::size_t>> places;  // of `tasks`, by their host
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        TaskLife& life = round.tasks[i];
        const std::string host = tasks[i].task.host.value_or("");
        life.at_living_worker = servers.worker(host) != nullptr;
        life.reason = why_not_asked(context, tasks[i], life.at_living_worker);
        if (life.reason.empty()) places[host].push_back(i);
    }
    std::vector<Inquiry> inquiries;
    for (const auto& [address, tasks_there] : places) {
        Inquiry& inquiry = inquiries.emplace_back(Inquiry{address, {}});
        for (const std::size_t place : tasks_there) inquiry.ids.push_back(tasks[place].task.id);
    }
    if (inquiries.empty()) return round;
    const auto answers = context.servers->ask(Question::task_lives, inquiries, timeout);
    for (std::size_t i = 0; i < inquiries.size(); ++i) {
        const std::vector<std::size_t>& tasks_there = places.at(inquiries[i].address);
        for (std::size_t j = 0; j < tasks_there.size(); ++j) {
            TaskLife& life = round.tasks[tasks_there[j]];
            life.answer = answers[i].answers[j];
            if (life.answer == Answer::unanswered) life.reason = answers[i].problem;
        }
        round.workers.push_back(worker_asked(inquiries[i], answers[i]));
    }
    return round;
}

}  // namespace dsfailover
