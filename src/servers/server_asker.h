#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"

namespace dsfailover {

/// What a living server is asked over RPC. Both only look, and nothing else is ever sent.
enum class Question {
    holds_workflow,  ///< a master: whether it has a workflow instance in memory
    task_lives,      ///< a worker: whether it has a task instance; never one of type FLINK_STREAM
};

/// What a server says of one workflow or task instance.
enum class Answer {
    unanswered,  ///< nothing, or what is no answer to the question
    no,          ///< not held, or the worker knows no such task
    yes,         ///< held, or alive
};

/// One server, and the ids that it is asked about.
struct Inquiry {
    std::string address;  ///< HOST:PORT, the port behind the last colon, as in the registry
    std::vector<std::int64_t> ids;
};

/// What one server said.
struct ServerAnswers {
    std::string peer;             ///< IP:PORT that was connected to; empty: no connection
    std::vector<Answer> answers;  ///< in the order of Inquiry::ids
    std::string problem;  ///< names the address and why an answer is missing; empty: none is
};

/// Asks servers of DolphinScheduler what they hold.
class ServerAsker {
  public:
    virtual ~ServerAsker() = default;
    /// Asks all these servers side by side, for at most `timeout` in all, connecting included.
    /// Returns what each said, in the order of `inquiries`: a server that does not answer, or
    /// answers in part, is no error. Any number of threads may ask at once. Throws Interrupted.
    virtual std::vector<ServerAnswers> ask(Question question, std::span<const Inquiry> inquiries,
                                           Millis timeout) = 0;
};

/// Asks over sockets, at most kMostUnderWay questions at a time on one connection for each server.
/// Nothing is contacted before ask(). With `loopback_only` any other address is taken for one that
/// does not answer.
std::unique_ptr<ServerAsker> open_server_asker(bool loopback_only);

/// Questions that one server has at a time: masters answer them from a pool of threads.
inline constexpr std::size_t kMostUnderWay = 64;

}  // namespace dsfailover
