#include "stand_ins/rpc_answer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "base/base64.h"
#include "servers/rpc_method.h"

namespace dsfailover {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

json parsed(std::string_view text) {
    return json::parse(text, nullptr, /*allow_exceptions=*/false);
}

std::string method_in(const Frame& asked) {
    const json header = parsed(asked.header);
    if (!header.is_object() || !header.contains("methodIdentifier") ||
        !header["methodIdentifier"].is_string())
        throw FrameError("a header without a method");
    return header["methodIdentifier"];
}

/// The argument of the call; nullopt if it is not of the method's type.
std::optional<json> argument_in(const Frame& asked, const RpcMethod& method) {
    const json body = parsed(asked.body);
    if (!body.is_object() || body.value("argsTypes", json()) != json::array({method.argument_type}))
        return std::nullopt;
    const json arguments = body.value("args", json());
    if (!arguments.is_array() || arguments.size() != 1 || !arguments[0].is_string())
        return std::nullopt;
    const auto text = from_base64(arguments[0].get<std::string>());
    json argument = text ? parsed(*text) : json();
    return argument.is_object() ? std::optional(std::move(argument)) : std::nullopt;
}

std::int64_t number_in(const json& argument, const char* name) {
    const auto found = argument.find(name);
    return found != argument.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::string reply_to(const json& argument, Question known,
                     const std::function<bool(std::int64_t id)>& has) {
    const std::int64_t task = number_in(argument, "taskInstanceId");
    if (known == Question::task_lives)
        return has(task) ? "The taskInstance is not StreamTask"
                         : "Cannot find TaskExecutionContext";
    const std::int64_t workflow = number_in(argument, "workflowInstanceId");
    return has(workflow) ? fmt::format("Cannot find TaskExecutionRunnable: {}", task)
                         : fmt::format("cannot find WorkflowExecuteRunnable: {}", workflow);
}

ordered_json failed(const std::string& message) {
    return {{"success", false}, {"message", message}, {"body", nullptr}, {"bodyType", nullptr}};
}

}  // namespace

std::string answer_bytes(const Frame& asked, Question known,
                         const std::function<bool(std::int64_t id)>& has) {
    const RpcMethod& method = rpc_method(known);
    const std::string called = method_in(asked);
    const auto answer = [&](const ordered_json& body) {
        return to_bytes({asked.header, body.dump()});
    };
    if (called != method.identifier)
        return answer(failed("Cannot find the ServerMethodInvoker of " + called));
    const auto argument = argument_in(asked, method);
    if (!argument)
        return answer(failed(fmt::format("Cannot construct instance of {}", method.argument_type)));
    const ordered_json reply = {{"success", false}, {"message", reply_to(*argument, known, has)}};
    return answer({{"success", true},
                   {"message", nullptr},
                   {"body", to_base64(reply.dump())},
                   {"bodyType", method.answer_type}});
}

}  // namespace dsfailover
