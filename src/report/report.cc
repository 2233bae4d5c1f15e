#include "report/report.h"

#include <algorithm>
#include <array>

namespace dsfailover {

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::completed:
            return "completed";
        case Outcome::nothing_to_do:
            return "nothing_to_do";
        case Outcome::already_failed_over:
            return "already_failed_over";
        case Outcome::refused:
            return "refused";
        case Outcome::partial:
            return "partial";
        case Outcome::failed:
            return "failed";
        case Outcome::interrupted:
            return "interrupted";
        case Outcome::planned:
            return "planned";
    }
    return "failed";
}

void Report::raise_exit_code(ExitCode code) {
    // What comes first wins. The two interruptions stand for one place: the first signal stays.
    static constexpr std::array kPrecedence = {ExitCode::interrupted,  ExitCode::terminated,
                                               ExitCode::usage,        ExitCode::environment,
                                               ExitCode::failed,       ExitCode::lock_unavailable,
                                               ExitCode::refused,      ExitCode::needs_person,
                                               ExitCode::check_failed, ExitCode::done};
    if (exit_code == ExitCode::terminated && code == ExitCode::interrupted) return;
    const auto place = [](ExitCode of) {
        return std::find(kPrecedence.begin(), kPrecedence.end(), of);
    };
    if (place(code) < place(exit_code)) exit_code = code;
}

}  // namespace dsfailover
