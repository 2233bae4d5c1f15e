#pragma once

namespace dsfailover {

/// What the program was built from: "3400584d1c2f", with "+changes" where files differed from that
/// commit; "unknown" outside of a repository. Defined in a source that every build makes anew (see
/// cmake/build_info.cmake), and alone, so that a commit has nothing else compiled again.
extern const char* const kCommit;
extern const char* const kBuildType;  ///< "Release"

}  // namespace dsfailover
