// What stand-ins answer: byte for byte what running servers did.

#include "stand_ins/rpc_answer.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "servers/rpc_question.h"

namespace dsfailover {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string from_hex(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2)
        bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return bytes;
}

Frame frame_in(const std::string& bytes) {
    FrameReader reader;
    reader.add(bytes);
    return reader.next().value();
}

bool has_nothing(std::int64_t) { return false; }

TEST(RpcAnswer, IsByteForByteWhatTheServersAnswered) {
    std::ifstream file(DSFAILOVER_TEST_DATA "/rpc_exchanges.json");
    int compared = 0;
    for (const json& exchange : json::parse(file)) {
        if (exchange["answer"] != "yes" && exchange["answer"] != "no") continue;
        ++compared;
        const auto question =
            exchange["question"] == "task_lives" ? Question::task_lives : Question::holds_workflow;
        const std::int64_t id = exchange["id"];
        const Frame asked = frame_in(question_bytes(question, id, exchange["opaque"]));
        const auto has = [&](std::int64_t one) { return one == id && exchange["answer"] == "yes"; };
        EXPECT_EQ(answer_bytes(asked, question, has), from_hex(exchange["answered"]))
            << exchange["name"];
    }
    EXPECT_EQ(compared, 4);
}

TEST(RpcAnswer, SaysOfAnyOtherMethodThatItIsUnknown) {
    const std::string method = "public abstract void no.such.Method.of()";
    const std::string header = "{\"methodIdentifier\":\"" + method + "\",\"opaque\":9}";
    const std::string body =
        "{\"success\":false,\"message\":\"Cannot find the ServerMethodInvoker of " + method +
        "\",\"body\":null,\"bodyType\":null}";
    EXPECT_EQ(answer_bytes({header, "{}"}, Question::holds_workflow, has_nothing),
              to_bytes({header, body}));
    // A master knows no question to a worker.
    const Frame workers = frame_in(question_bytes(Question::task_lives, 1, 2));
    EXPECT_THAT(answer_bytes(workers, Question::holds_workflow, has_nothing),
                HasSubstr("Cannot find the ServerMethodInvoker of "));
}

TEST(RpcAnswer, RefusesArgumentsOfAnotherType) {
    const Frame right = frame_in(question_bytes(Question::holds_workflow, 1, 2));
    for (const char* body : {"", "[]", "{}", R"({"args":["e30="],"argsTypes":["no.such.Type"]})"})
        EXPECT_THAT(answer_bytes({right.header, body}, Question::holds_workflow, has_nothing),
                    HasSubstr("Cannot construct instance of "))
            << body;
}

TEST(RpcAnswer, TakesNoFrameThatCallsNothing) {
    for (const char* header : {"", "[]", "{}", R"({"methodIdentifier":7})"})
        EXPECT_THROW(answer_bytes({header, "{}"}, Question::holds_workflow, has_nothing),
                     FrameError)
            << header;
}

}  // namespace
}  // namespace dsfailover
