#include "base/module.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "base/version.h"

#define DSFAILOVER_TEXT_OF(name) #name
#define DSFAILOVER_NAME_OF(macro) DSFAILOVER_TEXT_OF(macro)

namespace dsfailover {
namespace {

/// The module; nullptr, with the reason in dlerror().
void* load(const std::string& file) {
    // Without a folder: the program's RUNPATH says where (see CMakeLists.txt). The module itself is
    // linked to be bound at once; binding all of its libraries, too, would take longer.
    return dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL);
}

[[noreturn]] void fail(const std::string& file, std::string_view purpose) {
    const std::string problem = dlerror();
    std::error_code unknown;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", unknown).parent_path();
    throw EnvironmentError(
        fmt::format("{}, which is needed for {}, cannot be loaded: {}; install the one of "
                    "dsfailover {}, and the libraries it needs: it is looked for in {} and {}",
                    file, purpose, problem, kVersion, program.string(),
                    (program / kModuleFolder).lexically_normal().string()));
}

}  // namespace

void* load_module(const std::string& name, std::string_view purpose) {
    const std::string file = name + ".so";
    void* const module = load(file);
    if (module == nullptr) fail(file, purpose);
    void* const function = dlsym(module, DSFAILOVER_NAME_OF(DSFAILOVER_OPEN));
    if (function == nullptr) fail(file, purpose);
    return function;
}

ModuleInfo find_module(const std::string& name) {
    const std::string file = name + ".so";
    void* const module = load(file);
    void* const function =
        module == nullptr ? nullptr : dlsym(module, DSFAILOVER_NAME_OF(DSFAILOVER_LIBRARY));
    ModuleInfo found;
    if (function == nullptr) {
        const std::string problem = dlerror();
        // Of a library that the module needs it would be the library's name.
        const bool missing = problem.starts_with(file + ": cannot open");
        found.problem = missing ? "not installed" : "not usable: " + problem;
        return found;
    }
    found.library = reinterpret_cast<const char* (*)()>(function)();
    if (Dl_info place; dladdr(function, &place) != 0)
        found.file = std::filesystem::path(place.dli_fname).lexically_normal();
    return found;
}

}  // namespace dsfailover
