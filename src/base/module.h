#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace dsfailover {

/// Loads `name`.so, a module built and installed with the program, and returns the address of its
/// function DSFAILOVER_OPEN. `purpose` ("PostgreSQL") says in errors what it is for. The module is
/// looked for in the program's folder and in kModuleFolder, uses the program's own functions, and
/// stays loaded to the end. Throws EnvironmentError if it cannot be loaded or is of another
/// version.
void* load_module(const std::string& name, std::string_view purpose);

/// What there is of a module.
struct ModuleInfo {
    std::string file;     ///< empty if there is a problem
    std::string library;  ///< its client library: "libcurl 7.88.1"
    std::string problem;  ///< "not installed", or why it cannot be loaded; empty: it can
};

/// Loads `name`.so as load_module() does.
ModuleInfo find_module(const std::string& name);

/// Loads the module and calls its `Result* DSFAILOVER_OPEN(const Settings&)`. Throws what that
/// throws, and as load_module().
template <typename Result, typename Settings>
std::unique_ptr<Result> open_by_module(const std::string& name, std::string_view purpose,
                                       const Settings& settings) {
    const auto open = reinterpret_cast<Result* (*)(const Settings&)>(load_module(name, purpose));
    return std::unique_ptr<Result>(open(settings));
}

}  // namespace dsfailover
