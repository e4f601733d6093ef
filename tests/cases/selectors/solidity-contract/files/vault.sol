pragma solidity ^0.8.0;
interface IBank { function pay(uint n) external; }
library Fee { function halve(uint n) internal pure returns (uint) { return n / 2; } }
contract Vault is IBank {
    enum State { Open, Shut }
    uint public total;
    event Paid(uint n);
    modifier open() { _; }
    constructor() { total = 9; }
    function pay(uint n) external override { total -= n; emit Paid(n); }
}
