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
    // Without a folder: the program's RUNPATH says where (see CMakeLists.txt). The module itself is
    // linked to be bound at once; binding all of its libraries, too, would take longer.
    void* const module = dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (module == nullptr) fail(file, purpose);
    void* const function = dlsym(module, DSFAILOVER_NAME_OF(DSFAILOVER_OPEN));
    if (function == nullptr) fail(file, purpose);
    return function;
}

}  // namespace dsfailover
