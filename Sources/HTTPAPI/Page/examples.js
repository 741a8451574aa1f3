// Programs to begin with, for each language that the project's recipes have. A language that is not here has none.

import { onDemand } from "./programs-on-demand.js";

const titles = {
  hello: "Hello",
  live: "Output as it comes",
  input: "Read the input",
  talk: "Interactive",
  cases: "Test cases, one of them wrong",
  cpu: "Limit: CPU time",
  memory: "Limit: memory",
  flood: "Limit: output",
  forks: "Limit: processes",
  network: "Refused: the network",
};

const more = {
  input: { stdin: "3 5 8\n13 21\n" },
  talk: { mode: "live", limits: { wallTimeMs: 60_000 } },
  cases: {
    mode: "cases",
    cases: [
      { name: "small", stdin: "1 2\n", expectedOutput: "3\n" },
      { name: "negative", stdin: "-5 5\n", expectedOutput: "0\n" },
      { name: "wrong on purpose", stdin: "2 2\n", expectedOutput: "5\n" },
    ],
  },
  cpu: { limits: { cpuTimeMs: 500 } },
  memory: {},
  flood: { limits: { outputBytes: 262_144 } },
  forks: { limits: { processes: 16, wallTimeMs: 2_000 } },
  network: {},
};

const programs = {
  ...onDemand,
  python: {
    hello: `print("Hello from a container of your own")
`,
    live: `import time

for second in range(1, 6):
    print(f"tick {second}")
    time.sleep(0.4)
`,
    input: `import sys

numbers = [int(word) for word in sys.stdin.read().split()]
print(len(numbers), "numbers, sum", sum(numbers))
`,
    talk: `print("What is your name?")
for line in open(0):
    print("Hello,", line.strip() + ". Who else?")
print("Goodbye.")
`,
    cases: `a, b = map(int, input().split())
print(a + b)
`,
    cpu: `n = 0
while True:
    n += 1
`,
    memory: `kept = []
while True:
    kept.append(bytearray(8 << 20))
    print(len(kept) * 8, "MiB")
`,
    flood: `while True:
    print("All work and no play makes Jack a dull boy.")
`,
    forks: `import os, time

children = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(10)
        children += 1
except OSError as error:
    print(children, "children, then:", error)
    raise
`,
    network: `import os, socket

print("I am", os.getuid(), "in", os.listdir("/"))
try:
    socket.create_connection(("1.1.1.1", 443), timeout=1)
except OSError as error:
    print("The network:", error)
`,
  },
  javascript: {
    hello: `console.log("Hello from a container of your own");
`,
    live: `let second = 0;
const timer = setInterval(() => {
  console.log("tick", ++second);
  if (second === 5) clearInterval(timer);
}, 400);
`,
    input: `const text = require("fs").readFileSync(0, "utf8");
const numbers = text.split(/\\s+/).filter(Boolean).map(Number);
console.log(numbers.length, "numbers, sum", numbers.reduce((a, b) => a + b, 0));
`,
    talk: `const readline = require("readline");

console.log("What is your name?");
const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => console.log(\`Hello, \${line}. Who else?\`));
lines.on("close", () => console.log("Goodbye."));
`,
    cases: `const [a, b] = require("fs").readFileSync(0, "utf8").split(" ").map(Number);
console.log(a + b);
`,
    cpu: `for (let n = 0; ; n += 1);
`,
    memory: `const kept = [];
for (;;) {
  kept.push(Buffer.alloc(8 << 20, 1));
  console.log(kept.length * 8, "MiB");
}
`,
    flood: `for (;;) console.log("All work and no play makes Jack a dull boy.");
`,
    network: `const socket = require("net").connect(443, "1.1.1.1");
socket.on("connect", () => console.log("connected"));
socket.on("error", (error) => console.log("The network:", error.message));
`,
  },
  c: {
    hello: `#include <stdio.h>

int main(void) {
    puts("Hello from a container of your own");
}
`,
    live: `#include <stdio.h>
#include <unistd.h>

int main(void) {
    for (int second = 1; second <= 5; second++) {
        printf("tick %d\\n", second);
        fflush(stdout);
        usleep(400000);
    }
}
`,
    input: `#include <stdio.h>

int main(void) {
    long sum = 0, number;
    int count = 0;
    while (scanf("%ld", &number) == 1) {
        sum += number;
        count++;
    }
    printf("%d numbers, sum %ld\\n", count, sum);
}
`,
    talk: `#include <stdio.h>
#include <string.h>

int main(void) {
    char line[256];
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("What is your name?");
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\\n")] = 0;
        printf("Hello, %s. Who else?\\n", line);
    }
    puts("Goodbye.");
}
`,
    cases: `#include <stdio.h>

int main(void) {
    long a, b;
    if (scanf("%ld %ld", &a, &b) != 2) return 1;
    printf("%ld\\n", a + b);
}
`,
    cpu: `int main(void) {
    volatile int on = 1;
    while (on);
}
`,
    memory: `#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    for (int pieces = 1;; pieces++) {
        memset(malloc(8 << 20), 1, 8 << 20);
        printf("%d MiB\\n", pieces * 8);
        fflush(stdout);
    }
}
`,
    flood: `#include <stdio.h>

int main(void) {
    for (;;) puts("All work and no play makes Jack a dull boy.");
}
`,
    forks: `#include <stdio.h>
#include <unistd.h>

int main(void) {
    int children = 0;
    for (;;) {
        pid_t pid = fork();
        if (pid == 0) pause();
        if (pid < 0) break;
        children++;
    }
    printf("%d children, then: ", children);
    fflush(stdout);
    perror("fork");
    return 1;
}
`,
    network: `#include <stdio.h>
#include <sys/socket.h>

int main(void) {
    if (socket(AF_INET, SOCK_STREAM, 0) < 0) perror("The network");
}
`,
  },
  "c++": {
    hello: `#include <iostream>

int main() {
    std::cout << "Hello from a container of your own\\n";
}
`,
    live: `#include <chrono>
#include <iostream>
#include <thread>

int main() {
    for (int second = 1; second <= 5; second++) {
        std::cout << "tick " << second << std::endl;
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
    }
}
`,
    input: `#include <iostream>
#include <iterator>
#include <numeric>
#include <vector>

int main() {
    std::vector<long> numbers(std::istream_iterator<long>(std::cin), {});
    std::cout << numbers.size() << " numbers, sum "
              << std::accumulate(numbers.begin(), numbers.end(), 0L) << "\\n";
}
`,
    talk: `#include <iostream>
#include <string>

int main() {
    std::cout << "What is your name?" << std::endl;
    for (std::string line; std::getline(std::cin, line);)
        std::cout << "Hello, " << line << ". Who else?" << std::endl;
    std::cout << "Goodbye." << std::endl;
}
`,
    cases: `#include <iostream>

int main() {
    long a, b;
    std::cin >> a >> b;
    std::cout << a + b << "\\n";
}
`,
    cpu: `int main() {
    volatile bool on = true;
    while (on);
}
`,
    memory: `#include <iostream>
#include <vector>

int main() {
    std::vector<std::vector<char>> kept;
    for (;;) {
        kept.emplace_back(8 << 20, 'x');
        std::cout << kept.size() * 8 << " MiB" << std::endl;
    }
}
`,
    flood: `#include <iostream>

int main() {
    for (;;) std::cout << "All work and no play makes Jack a dull boy.\\n";
}
`,
    network: `#include <cerrno>
#include <cstring>
#include <iostream>
#include <sys/socket.h>

int main() {
    if (socket(AF_INET, SOCK_STREAM, 0) < 0)
        std::cout << "The network: " << std::strerror(errno) << "\\n";
}
`,
  },
  bash: {
    hello: `echo "Hello from a container of your own"
`,
    live: `for second in 1 2 3 4 5; do
  echo "tick $second"
  sleep 0.4
done
`,
    input: `sum=0 count=0
for number in $(cat); do
  sum=$((sum + number))
  count=$((count + 1))
done
echo "$count numbers, sum $sum"
`,
    talk: `echo "What is your name?"
while read -r line; do
  echo "Hello, $line. Who else?"
done
echo "Goodbye."
`,
    cases: `read -r a b
echo $((a + b))
`,
    cpu: `while :; do :; done
`,
    memory: `text=x
while :; do
  text=$text$text
  echo "\${#text} characters"
done
`,
    flood: `yes "All work and no play makes Jack a dull boy."
`,
    forks: `bomb() { bomb | bomb & }
bomb
wait
sleep 1
false
`,
    network: `id
echo hello > /dev/tcp/1.1.1.1/80
`,
  },
  java: {
    hello: `public class Main {
    public static void main(String[] args) {
        System.out.println("Hello from a container of your own");
    }
}
`,
    live: `public class Main {
    public static void main(String[] args) throws InterruptedException {
        for (int second = 1; second <= 5; second++) {
            System.out.println("tick " + second);
            Thread.sleep(400);
        }
    }
}
`,
    input: `import java.util.Scanner;

public class Main {
    public static void main(String[] args) {
        Scanner input = new Scanner(System.in);
        long sum = 0;
        int count = 0;
        while (input.hasNextLong()) {
            sum += input.nextLong();
            count++;
        }
        System.out.println(count + " numbers, sum " + sum);
    }
}
`,
    talk: `import java.util.Scanner;

public class Main {
    public static void main(String[] args) {
        System.out.println("What is your name?");
        Scanner input = new Scanner(System.in);
        while (input.hasNextLine())
            System.out.println("Hello, " + input.nextLine() + ". Who else?");
        System.out.println("Goodbye.");
    }
}
`,
    cases: `import java.util.Scanner;

public class Main {
    public static void main(String[] args) {
        Scanner input = new Scanner(System.in);
        System.out.println(input.nextLong() + input.nextLong());
    }
}
`,
    cpu: `public class Main {
    public static void main(String[] args) {
        for (long n = 0; ; n++);
    }
}
`,
    flood: `public class Main {
    public static void main(String[] args) {
        while (true) System.out.println("All work and no play makes Jack a dull boy.");
    }
}
`,
    network: `import java.net.Socket;

public class Main {
    public static void main(String[] args) {
        try (Socket socket = new Socket("1.1.1.1", 443)) {
            System.out.println("connected");
        } catch (Exception error) {
            System.out.println("The network: " + error.getMessage());
        }
    }
}
`,
  },
  go: {
    hello: `package main

import "fmt"

func main() {
	fmt.Println("Hello from a container of your own")
}
`,
    live: `package main

import (
	"fmt"
	"time"
)

func main() {
	for second := 1; second <= 5; second++ {
		fmt.Println("tick", second)
		time.Sleep(400 * time.Millisecond)
	}
}
`,
    input: `package main

import "fmt"

func main() {
	sum, count := 0, 0
	for number := 0; ; count++ {
		if _, err := fmt.Scan(&number); err != nil {
			break
		}
		sum += number
	}
	fmt.Println(count, "numbers, sum", sum)
}
`,
    talk: `package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	fmt.Println("What is your name?")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Printf("Hello, %s. Who else?\\n", lines.Text())
	}
	fmt.Println("Goodbye.")
}
`,
    cases: `package main

import "fmt"

func main() {
	var a, b int
	fmt.Scan(&a, &b)
	fmt.Println(a + b)
}
`,
    cpu: `package main

func main() {
	for {
	}
}
`,
    memory: `package main

import "fmt"

func main() {
	var kept [][]byte
	for {
		piece := make([]byte, 8<<20)
		for i := range piece {
			piece[i] = 1
		}
		kept = append(kept, piece)
		fmt.Println(len(kept)*8, "MiB")
	}
}
`,
    flood: `package main

import "fmt"

func main() {
	for {
		fmt.Println("All work and no play makes Jack a dull boy.")
	}
}
`,
    network: `package main

import (
	"fmt"
	"net"
)

func main() {
	_, err := net.Dial("tcp", "1.1.1.1:443")
	fmt.Println("The network:", err)
}
`,
  },
};

const names = {
  javascript: "JavaScript", python: "Python", c: "C", "c++": "C++", bash: "Bash", java: "Java", go: "Go", ruby: "Ruby", php: "PHP",
  perl: "Perl", lua: "Lua", typescript: "TypeScript", "python-data": "Python, NumPy", rust: "Rust", haskell: "Haskell",
};

/** A language's name as people write it. */
export const nameOf = (language) => (Object.hasOwn(names, language) ? names[language] : language);

/** The examples of a language, each `{id, title}`; none for a language that is not known here. */
export function examplesOf(language) {
  if (!Object.hasOwn(programs, language)) return [];
  return Object.keys(programs[language]).map((id) => ({ id, title: titles[id] }));
}

/** An example as a program, in the form that links have; null where there is none. */
export function example(language, id) {
  if (!Object.hasOwn(programs, language) || !Object.hasOwn(programs[language], id)) return null;
  return { language, code: programs[language][id], ...(more[id] ?? {}) };
}
