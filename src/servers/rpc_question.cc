#include "servers/rpc_question.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/terminal_text.h"
#include "servers/rpc_method.h"

namespace dsfailover {
namespace {

// No task has this id: the master is never asked about one that it could wake.
constexpr int kNoTask = -1;
constexpr std::size_t kLongestSaid = 200;

Json argument_of(Question question, std::int64_t id) {
    if (question == Question::holds_workflow)
        return {{"workflowInstanceId", id}, {"taskInstanceId", kNoTask}};
    return {{"taskInstanceId", id}};
}

Answer meaning_of(Question question, std::int64_t id, std::string_view message) {
    if (question == Question::holds_workflow) {
        if (message == fmt::format("cannot find WorkflowExecuteRunnable: {}", id))
            return Answer::no;
        if (message == fmt::format("Cannot find TaskExecutionRunnable: {}", kNoTask))
            return Answer::yes;
        return Answer::unanswered;
    }
    if (message == "Cannot find TaskExecutionContext") return Answer::no;
    if (message == "The taskInstance is not StreamTask" || message == "Cannot find StreamTask")
        return Answer::yes;
    return Answer::unanswered;
}

std::string text_in(const Json& object, const char* name) {
    const std::string* const found = object.text(name);
    return found ? *found : "";
}

std::string shown(std::string_view text) {
    std::string cut(text.substr(0, kLongestSaid));
    return printable(cut) + (cut.size() < text.size() ? "..." : "");
}

}  // namespace

std::string question_bytes(Question question, std::int64_t id, std::int64_t opaque) {
    const RpcMethod& method = rpc_method(question);
    const Json header = {{"methodIdentifier", method.identifier}, {"opaque", opaque}};
    const Json body = {{"args", Json::Elements{to_base64(argument_of(question, id).dump())}},
                       {"argsTypes", Json::Elements{method.argument_type}}};
    return to_bytes({header.dump(), body.dump()});
}

std::optional<std::int64_t> answered_opaque(Question question, const Frame& frame) {
    const Json header = Json::parse_object(frame.header);
    if (text_in(header, "methodIdentifier") != rpc_method(question).identifier) return std::nullopt;
    return header.integer("opaque");
}

ReadAnswer read_answer(Question question, std::int64_t id, std::string_view body) {
    const Json envelope = Json::parse_object(body);
    if (envelope.is_null()) return {Answer::unanswered, shown(body), false};
    const auto understood = envelope.flag("success");
    if (understood != true)
        return {Answer::unanswered, shown(text_in(envelope, "message")), understood == false};
    const auto inside = from_base64(text_in(envelope, "body"));
    const Json reply = inside ? Json::parse_object(*inside) : Json();
    if (reply.is_null()) return {Answer::unanswered, shown(body), false};
    const std::string message = text_in(reply, "message");
    const Answer answer =
        reply.flag("success") == false ? meaning_of(question, id, message) : Answer::unanswered;
    if (answer == Answer::unanswered) return {answer, shown(*inside), false};
    return {answer, "", false};
}

}  // namespace dsfailover
