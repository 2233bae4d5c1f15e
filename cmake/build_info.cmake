# Writes OUTPUT, the source behind src/base/build_info.h, where what it says has changed.
execute_process(COMMAND git describe --always --exclude=* --abbrev=12 --dirty=+changes
  WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE COMMIT RESULT_VARIABLE FAILED
  ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
if(FAILED)
  set(COMMIT unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
#include "base/build_info.h"

namespace dsfailover {
const char* const kCommit = "@COMMIT@";
const char* const kBuildType = "@BUILD_TYPE@";
}  // namespace dsfailover
]])
