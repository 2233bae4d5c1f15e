#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/plural.h"
#include "base/time.h"
#include "report/report.h"
#include "report/table/screen.h"
#include "report/table/text_table.h"

namespace dsfailover {

/// "1.2 s", "350 ms", "3d 4h": for reading, not for arithmetic.
std::string span(std::int64_t ms);

/// "in_doubt 2, started_after_deadline 1"
template <typename Word>
std::string counts(const std::map<Word, std::int64_t>& list) {
    std::string result;
    for (const auto& [word, count] : list)
        result += (result.empty() ? "" : ", ") + std::string(to_string(word)) + " " +
                  std::to_string(count);
    return result;
}

/// Prints headings, facts and tables, so that they fit the screen. Text of the database cannot
/// break it: what is not printable is shown as '?'.
class Page {
  public:
    /// `now`: epoch ms from which ages count.
    Page(std::ostream& out, const Screen& screen, EpochMs now)
        : out_(out), screen_(screen), now_(now) {}
    EpochMs now() const { return now_; }

    /// A line of text, continued with four more blanks.
    void line(const std::string& text, Tone tone = Tone::plain, std::size_t indent = 0);
    /// "NAME: text", continued under the text.
    void named(const std::string& name, const std::string& text, Tone tone);
    void heading(const std::string& text, Tone tone = Tone::heading);
    void blank() { out_ << '\n'; }
    /// "  name      value", nothing where there is no value.
    void fact(std::string_view name, const std::string& value, Tone tone = Tone::plain);
    void table(const TextTable& content);
    /// A heading and a table, nothing where that is empty.
    void titled(const std::string& title, const TextTable& content);
    /// Likewise, of what the last heading is about.
    void part(const std::string& title, const TextTable& content);
    /// How many items --items cut off.
    void omitted(std::int64_t count);

    /// "2026-11-27 10:22:43 +01:00"; empty without a time.
    std::string time(const std::optional<EpochMs>& at) const;
    /// Likewise with milliseconds, for what another run may be given.
    std::string exact(const std::optional<EpochMs>& at) const;
    /// "3d 4h ago"; empty without a time.
    std::string age(const std::optional<EpochMs>& at) const;
    /// "2026-11-27 10:22:43 +01:00 (3d 4h ago)"
    std::string since(const std::optional<EpochMs>& at) const;

  private:
    std::ostream& out_;
    Screen screen_;
    EpochMs now_;
};

}  // namespace dsfailover
