#include "servers/rpc_question.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/terminal_text.h"
#include "servers/rpc_method.h"

namespace dsfailover {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// No task has this id: the master is never asked about one that it could wake.
constexpr int kNoTask = -1;
constexpr std::size_t kLongestSaid = 200;

ordered_json argument_of(Question question, std::int64_t id) {
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

json parsed(std::string_view text) {
    return json::parse(text, nullptr, /*allow_exceptions=*/false);
}

std::optional<bool> flag_in(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_boolean()) return std::nullopt;
    return found->get<bool>();
}

std::string text_in(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string shown(std::string_view text) {
    std::string cut(text.substr(0, kLongestSaid));
    return printable(cut) + (cut.size() < text.size() ? "..." : "");
}

}  // namespace

std::string question_bytes(Question question, std::int64_t id, std::int64_t opaque) {
    const RpcMethod& method = rpc_method(question);
    const ordered_json header = {{"methodIdentifier", method.identifier}, {"opaque", opaque}};
    const ordered_json body = {
        {"args", ordered_json::array({to_base64(argument_of(question, id).dump())})},
        {"argsTypes", ordered_json::array({method.argument_type})}};
    return to_bytes({header.dump(), body.dump()});
}

std::optional<std::int64_t> answered_opaque(Question question, const Frame& frame) {
    const json header = parsed(frame.header);
    if (!header.is_object() ||
        text_in(header, "methodIdentifier") != rpc_method(question).identifier)
        return std::nullopt;
    const auto opaque = header.find("opaque");
    if (opaque == header.end() || !opaque->is_number_integer()) return std::nullopt;
    return opaque->get<std::int64_t>();
}

ReadAnswer read_answer(Question question, std::int64_t id, std::string_view body) {
    const json envelope = parsed(body);
    if (!envelope.is_object()) return {Answer::unanswered, shown(body), false};
    const auto understood = flag_in(envelope, "success");
    if (understood != true)
        return {Answer::unanswered, shown(text_in(envelope, "message")), understood == false};
    const auto inside = from_base64(text_in(envelope, "body"));
    const json reply = inside ? parsed(*inside) : json();
    if (!reply.is_object()) return {Answer::unanswered, shown(body), false};
    const std::string message = text_in(reply, "message");
    const Answer answer =
        flag_in(reply, "success") == false ? meaning_of(question, id, message) : Answer::unanswered;
    if (answer == Answer::unanswered) return {answer, shown(*inside), false};
    return {answer, "", false};
}

}  // namespace dsfailover
