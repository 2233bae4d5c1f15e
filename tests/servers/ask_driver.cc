// Asks servers, for tests in which stand-ins answer:
//
//   ask_driver holds_workflow|task_lives TIMEOUT_MS loopback|everywhere  < [{"address", "ids"}]
//
// Prints what each said as JSON, and how long it took to stderr.

#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/interruption.h"
#include "servers/server_asker.h"

namespace dsfailover {
namespace {

using nlohmann::json;

constexpr const char* kAnswers[] = {"unanswered", "no", "yes"};

int run(const std::string& question, const std::string& timeout, const std::string& where) {
    std::vector<Inquiry> inquiries;
    for (const json& each : json::parse(std::cin))
        inquiries.push_back({each["address"], each["ids"]});
    const auto asker = open_server_asker(where == "loopback");
    const auto begun = std::chrono::steady_clock::now();
    const auto all_said =
        asker->ask(question == "task_lives" ? Question::task_lives : Question::holds_workflow,
                   inquiries, Millis(std::stoll(timeout)));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    std::cerr << took.count() << " s\n";
    json result = json::array();
    for (const ServerAnswers& said : all_said) {
        json answers = json::array();
        for (const Answer answer : said.answers)
            answers.push_back(kAnswers[static_cast<int>(answer)]);
        result.push_back({{"peer", said.peer}, {"problem", said.problem}, {"answers", answers}});
    }
    std::cout << result << '\n';
    return 0;
}

}  // namespace
}  // namespace dsfailover

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    dsfailover::install_signal_handlers();
    try {
        return dsfailover::run(argv[1], argv[2], argv[3]);
    } catch (const dsfailover::Interrupted& interrupted) {
        return static_cast<int>(interrupted.exit_code());
    }
}
