#include "stand_ins/rpc_answer.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/json.h"
#include "servers/rpc_method.h"

namespace dsfailover {
namespace {

std::string method_in(const Frame& asked) {
    const Json header = Json::parse_object(asked.header);
    const std::string* const method = header.text("methodIdentifier");
    if (!method) throw FrameError("a header without a method");
    return *method;
}

/// The text in a member that is a list of one text; nullptr if it is another.
const std::string* only_text_in(const Json& body, const char* name) {
    const Json* const list = body.find(name);
    return list && list->elements().size() == 1 ? list->elements()[0].text() : nullptr;
}

/// The argument of the call, an object; null if it is not of the method's type.
Json argument_in(const Frame& asked, const RpcMethod& method) {
    const Json body = Json::parse_object(asked.body);
    const std::string* const type = only_text_in(body, "argsTypes");
    const std::string* const argument = only_text_in(body, "args");
    if (!type || *type != method.argument_type || !argument) return nullptr;
    const auto text = from_base64(*argument);
    return text ? Json::parse_object(*text) : Json();
}

std::int64_t number_in(const Json& argument, const char* name) {
    return argument.integer(name).value_or(0);
}

std::string reply_to(const Json& argument, Question known,
                     const std::function<bool(std::int64_t id)>& has) {
    const std::int64_t task = number_in(argument, "taskInstanceId");
    if (known == Question::task_lives)
        return has(task) ? "The taskInstance is not StreamTask"
                         : "Cannot find TaskExecutionContext";
    const std::int64_t workflow = number_in(argument, "workflowInstanceId");
    return has(workflow) ? fmt::format("Cannot find TaskExecutionRunnable: {}", task)
                         : fmt::format("cannot find WorkflowExecuteRunnable: {}", workflow);
}

Json failed(const std::string& message) {
    return {{"success", false}, {"message", message}, {"body", nullptr}, {"bodyType", nullptr}};
}

}  // namespace

std::string answer_bytes(const Frame& asked, Question known,
                         const std::function<bool(std::int64_t id)>& has) {
    const RpcMethod& method = rpc_method(known);
    const std::string called = method_in(asked);
    const auto answer = [&](const Json& body) { return to_bytes({asked.header, body.dump()}); };
    if (called != method.identifier)
        return answer(failed("Cannot find the ServerMethodInvoker of " + called));
    const Json argument = argument_in(asked, method);
    if (argument.is_null())
        return answer(failed(fmt::format("Cannot construct instance of {}", method.argument_type)));
    const Json reply = {{"success", false}, {"message", reply_to(argument, known, has)}};
    return answer({{"success", true},
                   {"message", nullptr},
                   {"body", to_base64(reply.dump())},
                   {"bodyType", method.answer_type}});
}

}  // namespace dsfailover
