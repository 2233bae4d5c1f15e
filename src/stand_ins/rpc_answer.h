#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "servers/frame.h"
#include "servers/server_asker.h"

namespace dsfailover {

/// The bytes with which a server of DolphinScheduler answers `asked`. `known` is the only question
/// that it understands: a master holds_workflow, a worker task_lives; any other method gets the
/// answer that a server has for one it does not know. `has` is asked whether it has the workflow or
/// task instance with this id. Throws FrameError if the frame is not a call of a method.
std::string answer_bytes(const Frame& asked, Question known,
                         const std::function<bool(std::int64_t id)>& has);

}  // namespace dsfailover
