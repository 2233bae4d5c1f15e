#include "fuzz.h"
#include "servers/frame.h"
#include "servers/rpc_question.h"
#include "stand_ins/rpc_answer.h"

namespace dsfailover {
namespace {

/// The frames in `bytes`, which come in pieces of a length, up to what is none.
std::vector<Frame> frames_in(std::string_view bytes, std::size_t piece) {
    FrameReader reader;
    std::vector<Frame> frames;
    try {
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            reader.add(bytes.substr(at, piece));
            while (auto frame = reader.next()) frames.push_back(*std::move(frame));
        }
    } catch (const FrameError&) {
    }
    return frames;
}

void try_frame(const Frame& frame) {
    for (const Question question : {Question::holds_workflow, Question::task_lives}) {
        answered_opaque(question, frame);
        unless_refused<FrameError>([&] {
            return answer_bytes(frame, question, [](std::int64_t id) { return id % 2 == 0; });
        });
    }
}

}  // namespace

void try_input(std::string_view bytes) {
    const std::vector<Frame> frames = frames_in(bytes, bytes.size() + 1);
    std::string written;
    for (const Frame& frame : frames) {
        written += to_bytes(frame);
        try_frame(frame);
    }
    require(bytes.starts_with(written), "frames are what came");
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}})
        require(frames_in(bytes, piece).size() == frames.size(), "pieces make no difference");
    const std::string text(bytes);
    try_frame({text, "{}"});
    try_frame({R"({"methodIdentifier":"","opaque":1})", text});
}

}  // namespace dsfailover
