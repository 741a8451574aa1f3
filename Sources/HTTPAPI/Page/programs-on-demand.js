// Programs to begin with in the languages of the recipes scripting, python-data, rust and haskell.

export const onDemand = {
  ruby: {
    hello: `puts "Hello from a container of your own"
`,
    live: `$stdout.sync = true
1.upto(5) do |second|
  puts "tick #{second}"
  sleep 0.4
end
`,
    input: `numbers = $stdin.read.split.map(&:to_i)
puts "#{numbers.size} numbers, sum #{numbers.sum}"
`,
    talk: `$stdout.sync = true
puts "What is your name?"
while (line = gets)
  puts "Hello, #{line.strip}. Who else?"
end
puts "Goodbye."
`,
    cases: `a, b = gets.split.map(&:to_i)
puts a + b
`,
    cpu: `n = 0
loop { n += 1 }
`,
    flood: `loop { puts "All work and no play makes Jack a dull boy." }
`,
    network: `require "socket"

begin
  TCPSocket.new("1.1.1.1", 443)
rescue SystemCallError => error
  puts "The network: #{error.message}"
end
`,
  },
  php: {
    hello: `<?php
echo "Hello from a container of your own\\n";
`,
    live: `<?php
for ($second = 1; $second <= 5; $second++) {
    echo "tick $second\\n";
    usleep(400000);
}
`,
    input: `<?php
$numbers = preg_split('/\\s+/', stream_get_contents(STDIN), -1, PREG_SPLIT_NO_EMPTY);
echo count($numbers), " numbers, sum ", array_sum($numbers), "\\n";
`,
    talk: `<?php
echo "What is your name?\\n";
while (($line = fgets(STDIN)) !== false) {
    echo "Hello, ", trim($line), ". Who else?\\n";
}
echo "Goodbye.\\n";
`,
    cases: `<?php
[$a, $b] = explode(" ", fgets(STDIN));
echo $a + $b, "\\n";
`,
    cpu: `<?php
while (true);
`,
    flood: `<?php
while (true) echo "All work and no play makes Jack a dull boy.\\n";
`,
  },
  perl: {
    hello: `print "Hello from a container of your own\\n";
`,
    live: `$| = 1;
for my $second (1 .. 5) {
    print "tick $second\\n";
    select(undef, undef, undef, 0.4);
}
`,
    input: `my @numbers = split " ", join "", <STDIN>;
my $sum = 0;
$sum += $_ for @numbers;
print scalar(@numbers), " numbers, sum $sum\\n";
`,
    talk: `$| = 1;
print "What is your name?\\n";
while (my $line = <STDIN>) {
    chomp $line;
    print "Hello, $line. Who else?\\n";
}
print "Goodbye.\\n";
`,
    cases: `my ($first, $second) = split " ", <STDIN>;
print $first + $second, "\\n";
`,
    cpu: `1 while 1;
`,
    flood: `print "All work and no play makes Jack a dull boy.\\n" while 1;
`,
  },
  lua: {
    hello: `print("Hello from a container of your own")
`,
    input: `local count, sum = 0, 0
for number in io.read("a"):gmatch("%-?%d+") do
  count, sum = count + 1, sum + math.tointeger(number)
end
print(count .. " numbers, sum " .. sum)
`,
    talk: `io.stdout:setvbuf("line")
print("What is your name?")
for line in io.lines() do
  print("Hello, " .. line .. ". Who else?")
end
print("Goodbye.")
`,
    cases: `print(io.read("n") + io.read("n"))
`,
    cpu: `while true do end
`,
    flood: `while true do print("All work and no play makes Jack a dull boy.") end
`,
  },
  typescript: {
    hello: `const greeting: string = "Hello from a container of your own";
console.log(greeting);
`,
    live: `let second = 0;
const timer = setInterval(() => {
  console.log("tick", ++second);
  if (second === 5) clearInterval(timer);
}, 400);
`,
    input: `import { readFileSync } from "fs";

const numbers: number[] = readFileSync(0, "utf8").split(/\\s+/).filter(Boolean).map(Number);
console.log(numbers.length, "numbers, sum", numbers.reduce((a, b) => a + b, 0));
`,
    talk: `import { createInterface } from "readline";

console.log("What is your name?");
const lines = createInterface({ input: process.stdin });
lines.on("line", (line: string) => console.log(\`Hello, \${line}. Who else?\`));
lines.on("close", () => console.log("Goodbye."));
`,
    cases: `import { readFileSync } from "fs";

const [a, b] = readFileSync(0, "utf8").split(" ").map(Number);
console.log(a + b);
`,
    cpu: `for (let n = 0; ; n += 1);
`,
    flood: `for (;;) console.log("All work and no play makes Jack a dull boy.");
`,
  },
  "python-data": {
    hello: `import numpy

print("".join(numpy.array(list("Hello from a container of your own"))))
`,
    input: `import sys

import numpy

numbers = numpy.array(sys.stdin.read().split(), dtype=int)
print(len(numbers), "numbers, sum", numbers.sum())
`,
    cases: `import numpy

print(numpy.array(input().split(), dtype=int).sum())
`,
    memory: `import numpy

kept = []
while True:
    kept.append(numpy.ones(1 << 20))
    print(len(kept) * 8, "MiB")
`,
  },
  rust: {
    hello: `fn main() {
    println!("Hello from a container of your own");
}
`,
    live: `use std::{thread::sleep, time::Duration};

fn main() {
    for second in 1..=5 {
        println!("tick {second}");
        sleep(Duration::from_millis(400));
    }
}
`,
    input: `use std::io::{read_to_string, stdin};

fn main() {
    let text = read_to_string(stdin()).unwrap();
    let numbers: Vec<i64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
    println!("{} numbers, sum {}", numbers.len(), numbers.iter().sum::<i64>());
}
`,
    talk: `fn main() {
    println!("What is your name?");
    for line in std::io::stdin().lines() {
        println!("Hello, {}. Who else?", line.unwrap());
    }
    println!("Goodbye.");
}
`,
    cases: `fn main() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    println!("{}", line.split_whitespace().map(|word| word.parse::<i64>().unwrap()).sum::<i64>());
}
`,
    cpu: `fn main() {
    let mut n = 0u64;
    loop { n = std::hint::black_box(n + 1); }
}
`,
    flood: `fn main() {
    loop { println!("All work and no play makes Jack a dull boy."); }
}
`,
  },
  haskell: {
    hello: `main :: IO ()
main = putStrLn "Hello from a container of your own"
`,
    input: `main :: IO ()
main = do
  numbers <- map read . words <$> getContents :: IO [Int]
  putStrLn (show (length numbers) ++ " numbers, sum " ++ show (sum numbers))
`,
    cases: `main :: IO ()
main = do
  numbers <- map read . words <$> getLine :: IO [Int]
  print (sum numbers)
`,
    cpu: `main :: IO ()
main = print (last [1 :: Integer ..])
`,
    flood: `main :: IO ()
main = mapM_ putStrLn (repeat "All work and no play makes Jack a dull boy.")
`,
  },
};
