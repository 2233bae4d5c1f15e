#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "servers/frame.h"
#include "servers/server_asker.h"

namespace dsfailover {

/// The bytes that ask `question` about the workflow or task instance `id`; the answer repeats
/// `opaque`. Nothing that this program sends to a server is made anywhere else. A master is asked
/// to wake a task that cannot exist: it looks the workflow up, misses the task, and does nothing.
std::string question_bytes(Question question, std::int64_t id, std::int64_t opaque);

/// The `opaque` of the question that a frame answers; nullopt if it is no answer to `question`.
std::optional<std::int64_t> answered_opaque(Question question, const Frame& frame);

/// What the body of an answer says of `id`.
struct ReadAnswer {
    Answer answer = Answer::unanswered;
    std::string said;  ///< where unanswered: what it said instead, as a terminal may have it
    bool not_understood = false;  ///< the server knows no such question, or has no thread for it
};
ReadAnswer read_answer(Question question, std::int64_t id, std::string_view body);

}  // namespace dsfailover
