#include "base/base64.h"
#include "base/terminal_text.h"
#include "fuzz.h"
#include "servers/rpc_question.h"

namespace dsfailover {
namespace {

void try_body(std::string_view body) {
    for (const Question question : {Question::holds_workflow, Question::task_lives}) {
        const ReadAnswer read = read_answer(question, 12, body);
        require(printable(read.said) == read.said, "what a server says can be shown");
        require(read.answer == Answer::unanswered || !read.not_understood,
                "who answers has understood");
        require(read.answer == Answer::unanswered || body.find("success") != body.npos,
                "what is no answer is none");
    }
}

}  // namespace

void try_input(std::string_view text) {
    try_body(text);
    require(from_base64(to_base64(text)) == text, "Base64 keeps every byte");
    if (const auto bytes = from_base64(text))
        require(to_base64(*bytes).size() == text.size(), "Base64 is as long as it should be");
    try_body(R"({"success":true,"body":")" + to_base64(text) + R"("})");
}

}  // namespace dsfailover
