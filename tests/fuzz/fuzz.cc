#include "fuzz.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace dsfailover {

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "It does not hold that %s\n", what);
    std::abort();
}

bool is_json(std::string_view text) { return nlohmann::json::accept(text); }

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = std::min(text.find(separator), text.size());
        parts.push_back(text.substr(0, end));
        if (end == text.size()) return parts;
        text.remove_prefix(end + 1);
    }
}

InputFile::InputFile(std::string_view text)
    : file_(memfd_create("input", 0)), path_("/proc/self/fd/" + std::to_string(file_)) {
    const bool written =
        file_ >= 0 && write(file_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (!written) std::abort();
}

}  // namespace dsfailover

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    dsfailover::try_input({reinterpret_cast<const char*>(data), size});
    return 0;
}
