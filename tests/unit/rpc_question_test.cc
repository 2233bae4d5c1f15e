// What is sent to servers of DolphinScheduler, and what their answers mean: against exchanges that
// running servers had.

#include "servers/rpc_question.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/base64.h"

namespace dsfailover {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json exchanges() {
    std::ifstream file(DSFAILOVER_TEST_DATA "/rpc_exchanges.json");
    return json::parse(file);
}

std::string from_hex(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2)
        bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return bytes;
}

Question question_of(const json& exchange) {
    return exchange["question"] == "task_lives" ? Question::task_lives : Question::holds_workflow;
}

Frame frame_in(const std::string& bytes) {
    FrameReader reader;
    reader.add(bytes);
    const auto frame = reader.next();
    return frame ? *frame : throw FrameError("not complete");
}

TEST(RpcQuestion, IsByteForByteWhatTheServersUnderstood) {
    int compared = 0;
    for (const json& exchange : exchanges()) {
        if (exchange["asked"].is_null()) continue;
        ++compared;
        // The worker's were recorded as they are made for opaque 7.
        const std::int64_t opaque = question_of(exchange) == Question::task_lives
                                        ? 7
                                        : exchange["opaque"].get<std::int64_t>();
        EXPECT_EQ(question_bytes(question_of(exchange), exchange["id"], opaque),
                  from_hex(exchange["asked"]))
            << exchange["name"];
    }
    EXPECT_EQ(compared, 4);
}

TEST(RpcQuestion, EveryByteOfItIsKnownAndItsTaskIsNone) {
    const std::string master = "org.apache.dolphinscheduler.extract.master.";
    const std::string request = master + "transportor.TaskGroupSlotAcquireSuccessNotifyRequest";
    for (const std::int64_t id : {1LL, 42LL, 2147483647LL}) {
        const Frame frame = frame_in(question_bytes(Question::holds_workflow, id, 3));
        EXPECT_EQ(frame.header, "{\"methodIdentifier\":\"public abstract " + master +
                                    "transportor.TaskGroupSlotAcquireSuccessNotifyResponse " +
                                    master +
                                    "ITaskInstanceController.notifyTaskGroupSlotAcquireSuccess(" +
                                    request + ")\",\"opaque\":3}");
        EXPECT_EQ(frame.body, "{\"args\":[\"" +
                                  to_base64("{\"workflowInstanceId\":" + std::to_string(id) +
                                            ",\"taskInstanceId\":-1}") +
                                  "\"],\"argsTypes\":[\"" + request + "\"]}");
    }
}

TEST(RpcQuestion, AnswersMeanWhatTheyMeantOnRunningServers) {
    const std::map<std::string, Answer> answers = {
        {"yes", Answer::yes}, {"no", Answer::no}, {"unanswered", Answer::unanswered}};
    for (const json& exchange : exchanges()) {
        const Frame frame = frame_in(from_hex(exchange["answered"]));
        const std::int64_t id = exchange["id"].is_null() ? 1 : exchange["id"].get<std::int64_t>();
        const ReadAnswer read = read_answer(question_of(exchange), id, frame.body);
        EXPECT_EQ(read.answer, answers.at(exchange["answer"])) << exchange["name"];
        EXPECT_EQ(read.not_understood, exchange["id"].is_null()) << exchange["name"];
        if (exchange["name"] == "a method that it does not know") {
            EXPECT_EQ(answered_opaque(question_of(exchange), frame), std::nullopt);
            EXPECT_THAT(read.said, HasSubstr("Cannot find the ServerMethodInvoker of"));
        } else {
            EXPECT_EQ(answered_opaque(question_of(exchange), frame), exchange["opaque"]);
        }
    }
}

std::string body_of(const std::string& reply, bool success = true) {
    return json{{"success", success}, {"message", nullptr}, {"body", to_base64(reply)}}.dump();
}

std::string reply_of(const std::string& message, bool success = false) {
    return body_of(json{{"success", success}, {"message", message}}.dump());
}

TEST(RpcQuestion, AnythingElseIsNoAnswer) {
    const auto about_7 = [](const std::string& body) {
        return read_answer(Question::holds_workflow, 7, body).answer;
    };
    const std::string missing = "cannot find WorkflowExecuteRunnable: ";
    EXPECT_EQ(about_7(reply_of(missing + "7")), Answer::no);
    EXPECT_EQ(about_7(reply_of("Cannot find TaskExecutionRunnable: -1")), Answer::yes);
    for (const std::string& body :
         {reply_of(missing + "8"), reply_of(missing + "77"), reply_of("C" + missing + "7"),
          reply_of(missing + "7 "), reply_of("Cannot find TaskExecutionRunnable: 7"), reply_of(""),
          reply_of("Cannot find TaskExecutionRunnable: -1", true),
          reply_of("Cannot find TaskExecutionContext"), body_of("[]"), body_of("{}"),
          body_of("not json"), body_of(json{{"success", false}, {"message", 7}}.dump()),
          json{{"success", true}, {"body", "no base64!"}}.dump(),
          json{{"success", "true"}, {"body", ""}}.dump(), std::string("[1]"), std::string(),
          std::string("\xff\xfe"), std::string(100'000, '[')}) {
        const ReadAnswer read = read_answer(Question::holds_workflow, 7, body);
        EXPECT_EQ(read.answer, Answer::unanswered) << body.substr(0, 200);
        EXPECT_LE(read.said.size(), 700U);
    }
    EXPECT_FALSE(read_answer(Question::holds_workflow, 7, reply_of("x")).not_understood);
    EXPECT_TRUE(read_answer(Question::holds_workflow, 7,
                            json{{"success", false}, {"message", "thread pool is full"}}.dump())
                    .not_understood);
}

TEST(RpcQuestion, WhatAServerSaysInsteadCannotHurtATerminal) {
    const ReadAnswer read = read_answer(
        Question::holds_workflow, 7,
        json{{"success", false}, {"message", "\x1b[2J" + std::string(500, 'x')}}.dump());
    EXPECT_THAT(read.said, HasSubstr("?[2Jxxx"));
    EXPECT_LT(read.said.size(), 210U);
}

TEST(RpcQuestion, AWorkersAnswersAreThree) {
    const auto about = [](const std::string& message) {
        return read_answer(Question::task_lives, 7, reply_of(message)).answer;
    };
    EXPECT_EQ(about("Cannot find TaskExecutionContext"), Answer::no);
    EXPECT_EQ(about("The taskInstance is not StreamTask"), Answer::yes);
    EXPECT_EQ(about("Cannot find StreamTask"), Answer::yes);
    EXPECT_EQ(about("cannot find WorkflowExecuteRunnable: 7"), Answer::unanswered);
}

TEST(RpcQuestion, HeadersThatAreNoAnswersAreToldApart) {
    Frame frame = frame_in(question_bytes(Question::holds_workflow, 7, 3));
    EXPECT_EQ(answered_opaque(Question::holds_workflow, frame), 3);
    EXPECT_EQ(answered_opaque(Question::task_lives, frame), std::nullopt);
    for (const char* header : {"", "{}", "[]", "{\"opaque\":3}", "\xff"}) {
        frame.header = header;
        EXPECT_EQ(answered_opaque(Question::holds_workflow, frame), std::nullopt) << header;
    }
}

}  // namespace
}  // namespace dsfailover
