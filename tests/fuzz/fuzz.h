#pragma once

#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dsfailover {

/// What a target does with one input: reads it as the program would. An exception that nobody
/// documented, what a sanitizer says, and require() are finds.
void try_input(std::string_view input);

/// Ends the process with a find, unless it holds.
void require(bool holds, const char* what);

/// Whether it is a JSON text.
bool is_json(std::string_view text);

/// What `read` returns; nothing if it throws what it may throw.
template <typename Refusal, typename Read>
auto unless_refused(const Read& read) -> std::optional<decltype(read())> {
    try {
        return read();
    } catch (const Refusal&) {
        return std::nullopt;
    }
}

/// The parts between separators; one more than there are separators.
std::vector<std::string_view> split(std::string_view text, char separator);

/// A file in memory for what reads files.
class InputFile {
  public:
    explicit InputFile(std::string_view text);
    ~InputFile() { close(file_); }
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;
    const std::string& path() const { return path_; }

  private:
    int file_;
    std::string path_;
};

}  // namespace dsfailover
